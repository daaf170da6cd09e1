"""The ledger: every claim has a test, a verdict with a reason, and a chapter that exists."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mirage_lib import claims, outputs, theory

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("claim", claims.ledger(), ids=lambda claim: claim.id)
def test_every_claim_gets_a_verdict_with_numbers_and_points_to_a_chapter(claim):
    verdict = claim.judge()
    assert verdict.verdict in claims.VERDICTS
    assert verdict.verdict == "definition" or any(c.isdigit() for c in verdict.because)
    assert (ROOT / "book" / f"{claim.chapter}.md").exists()


def test_an_unknown_claim_is_named_with_those_that_exist():
    with pytest.raises(KeyError, match="'no-such'.*loss-power-law"):
        claims.get("no-such")


def test_an_entry_without_a_field_is_refused(tmp_path, monkeypatch):
    broken = tmp_path / "claims.toml"
    broken.write_text('[half]\nclaim = "something"\n')
    monkeypatch.setattr(claims, "LEDGER", broken)
    with pytest.raises(ValueError, match="'half'"):
        claims.ledger()


def test_independent_simulated_errors_pass_the_independence_check():
    table = theory.text_outputs([0.1, 0.3, 0.5], length=4, n=20_000)
    cells = claims.independence(table)
    assert cells["ratio"].to_numpy() == pytest.approx(np.ones(3), abs=0.12)


def test_errors_that_come_together_raise_accuracy_above_p_to_the_l():
    table = theory.text_outputs([0.3], length=4, n=4000)
    together = table.with_columns(
        output=pl.when(pl.int_range(pl.len()) % 10 < 7).then("target").otherwise(pl.lit("xxxx"))
    )
    assert claims.independence(together)["ratio"][0] > 2


def test_a_power_law_is_recognised_and_a_broken_one_is_not():
    x = np.linspace(0, 5, 11)
    line, broken = 1 - 0.5 * x, 1 - 0.1 * x - 1.5 * np.maximum(x - 2.5, 0)
    fits = (claims.model._fit_line, claims.model._fit_broken_line)
    errors = {name: [claims.model._left_out_error(x, y, fit) for fit in fits] for name, y in
              {"line": line, "broken": broken}.items()}  # fmt: skip
    assert errors["line"][0] < 1e-9
    # Left out, the corner itself cannot be met: a broken line has to be much better, not perfect.
    assert errors["broken"][1] < errors["broken"][0] / 5


def test_losses_fall_with_size_on_the_ladder():
    loss = claims.loss_by_size(outputs.load("arithmetic-ladder"))
    for _, part in loss.group_by("task"):
        assert part["estimate"][-1] < part["estimate"][0] / 2


def test_kernels_of_one_build_share_verdicts_and_other_processes_judge_anew(tmp_path, monkeypatch):
    asked = []

    def counted():
        asked.append(1)
        return claims.Verdict("upheld", f"Asked {len(asked)} times.")

    judged = claims.registry._kept(counted)
    assert (judged().because, judged().because) == ("Asked 1 times.", "Asked 2 times.")
    monkeypatch.setenv("MIRAGE_VERDICTS", str(tmp_path))
    assert (judged().because, judged().because) == ("Asked 3 times.", "Asked 3 times.")
    assert [file.name for file in tmp_path.iterdir()] == ["counted.json"]
