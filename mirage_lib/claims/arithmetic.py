"""Section 3 and Fig. 3: the same answers to arithmetic under two metrics.

Each claim is judged on two sources apart, our ladder and the digitised GPT-3 points, and then on both.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from mirage_lib import curves, emergence, replicates
from mirage_lib.analyses import evidence, translation
from mirage_lib import outputs as tables
from mirage_lib.claims.registry import Verdict, frozen, test
from mirage_lib.forecasts import extrapolate

LADDER, SAMPLED = "arithmetic-ladder", "arithmetic-ladder-sampled"
SMOOTH = 0.05
"""A curve is called sharp where less than this share of smooth curves scores as high."""
SOURCES = {"ladder": "our ladder", "GPT-3": "GPT-3 as digitised"}
LONGEST = (("multiplication", 4), ("addition", 4), ("addition", 5))
"""Tasks and target lengths of which the paper says that accuracy looks emergent."""


@cache
def curves_of_both() -> pl.DataFrame:
    """Score and forecast of every curve under accuracy and edit distance, at all temperatures at hand.

    Returns
    -------
    The table of :func:`mirage_lib.analyses.evidence.report`.
    """
    answers = [frozen(name) for name in (LADDER, SAMPLED) if f"{name}.parquet" in tables.manifest()]
    return evidence.report(*answers, names=("exact_match", "token_edit_distance"))


@cache
def single_ladders() -> pl.DataFrame:
    """The emergence score of accuracy, seed by seed: each seed is a ladder as an outsider would see it.

    Seeds that were not trained at every size are left out.

    Returns
    -------
    The table of :func:`mirage_lib.emergence.scored`, with ``seed``. Intervals are over problems only.
    """
    ladder = frozen(LADDER)
    longest = pl.any_horizontal([(pl.col("task") == task) & (pl.col("group") == n) for task, n in LONGEST])
    return pl.concat(
        emergence.scored(replicates.resample(part, ("exact_match",))).with_columns(seed=part["seed"][0])
        for part in ladder.filter(longest).partition_by("seed")
        if part["n_params"].n_unique() == ladder["n_params"].n_unique()
    )


def _sharp() -> pl.Expr:
    return (pl.col("exceedance") < SMOOTH) & (pl.col("score") > 0)


def _number(value: float) -> str:
    """A score in words: three digits, or "infinite".

    >>> _number(12.345), _number(float("inf"))
    ('12.3', 'infinite')
    """
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}" if np.isfinite(value) else "infinite"


def _accuracy_is_sharp(task: str, lengths: tuple[int, ...]) -> Verdict:
    rows = curves_of_both().filter(
        (pl.col("metric") == "exact_match") & (pl.col("temperature") == 0)
        & (pl.col("task") == task) & pl.col("group").is_in(lengths)
    )  # fmt: skip
    said, held = [], []
    for source, name in SOURCES.items():
        for row in rows.filter(pl.col("source") == source).with_columns(sharp=_sharp()).iter_rows(named=True):
            held.append(row["sharp"])
            said.append(
                f"{name}, {row['group']} digits: score {_number(row['score'])} (95 % {_number(row['low'])} to "
                f"{_number(row['high'])}), one in twenty smooth curves exceeds {_number(row['null_high'])}: "
                f"{'sharp' if row['sharp'] else 'not sharp'}"
            )
    for length in lengths:
        alone = single_ladders().filter((pl.col("task") == task) & (pl.col("group") == length))
        said.append(f"taken one seed at a time, {alone.select(_sharp().sum()).item()} of {alone.height} of our "
                    f"ladders are sharp at {length} digits")
    return Verdict(_share(held), _sentence(said))


@test
def multiplication_accuracy_sharp() -> Verdict:
    return _accuracy_is_sharp("multiplication", (4,))


@test
def addition_accuracy_sharp() -> Verdict:
    return _accuracy_is_sharp("addition", (4, 5))


@test
def distance_smooth() -> Verdict:
    rows = curves_of_both().filter(pl.col("temperature") == 0)
    accuracy = rows.filter(pl.col("metric") == "exact_match").select("source", "task", "group", accuracy="score")
    rows = rows.filter(pl.col("metric") == "token_edit_distance").join(accuracy, on=["source", "task", "group"])
    said, held = [], []
    for source, name in SOURCES.items():
        part = rows.filter(pl.col("source") == source)
        # Of so many smooth curves some would look sharp by chance: the level is shared among them.
        smooth = part["exceedance"] >= SMOOTH / part.height
        telling = part["width"] <= 1
        foretold = part["within"].filter(telling)
        held += [*smooth, *foretold]
        above = part.filter(~smooth)
        widest = part.sort("score").row(-1, named=True)
        said.append(
            f"{name}: {smooth.sum()} of {part.height} curves score within their smooth null (the highest, "
            f"{widest['task']} with {widest['group']} digits, {_number(widest['score'])} against "
            f"{_number(widest['straight'])} for a straight line); above it {above.height}, of "
            f"which {(above['halfway'] > 0.5).sum()} with an early climb that saturates rather than a late leap; "
            + (
                f"{foretold.sum()} of {len(foretold)} largest models lie where a line through the smaller ones "
                "foretells (95 %), of those whose interval is narrower than the curve"
                if len(foretold)
                else f"no forecast can fail: the line's intervals are {part['width'].min():.0f} times the "
                "curve's range or wider"
            )
            + f"; edit distance scores lower than accuracy on {(part['score'] < part['accuracy']).sum()} of "
            f"{part.height}"
        )
    return Verdict(_share(held), _sentence(said))


@test
def both_temperatures() -> Verdict:
    rows = curves_of_both().with_columns(
        verdict=_sharp(),
        counts=(pl.col("metric") == "token_edit_distance")
        | pl.any_horizontal([(pl.col("task") == task) & (pl.col("group") == n) for task, n in LONGEST]),
    ).filter("counts")
    keys = ["source", "task", "group", "metric"]
    cold, warm = (rows.filter(pl.col("temperature") == heat).select(*keys, "verdict") for heat in (0, 1))
    both = cold.join(warm, on=keys, suffix="_1").with_columns(same=pl.col("verdict") == pl.col("verdict_1"))
    said = []
    for source, name in SOURCES.items():
        part = both.filter(pl.col("source") == source)
        same = part["same"].sum()
        said.append(
            f"{name}: {same} of {part.height} curves fall on the same side of their smooth null at temperatures 0 "
            f"and 1 ({part['verdict'].sum()} and {part['verdict_1'].sum()} are sharp)"
            if part.height
            else f"{name}: asked at temperature 0 only, so judged on 1 source"
        )
    return Verdict(_share(both["same"].to_list()), _sentence(said))


@test
def smooth_foretells_sharp() -> Verdict:
    ours = translation.sharp_from_smooth(frozen(LADDER))
    said, covers, helps = [], [], []
    for (road,), part in ours.group_by("road", maintain_order=True):
        gained = part["skill"] > 0
        covers.append(part["covered"].mean() >= 0.8)
        helps.append(gained.mean() > 0.5)
        said.append(
            f"our ladder, accuracy from {road}: {part['covered'].sum()} of {part.height} errors have 0 in their "
            f"90 % interval, {gained.sum()} of {part.height} forecasts beat \"like the last one\" "
            f"(median skill {part['skill'].median():.2f})"
        )
    gpt3 = published_translation()
    gained = gpt3["skill"] > 0
    helps.append(gained.mean() > 0.5)
    said.append(
        f"GPT-3 as digitised, accuracy of the largest model from the edit distance of three smaller ones: "
        f"{gained.sum()} of {gpt3.height} beat it (median skill {gpt3['skill'].median():.2f}; on {gpt3['cut'].sum()} the "
        "line overshoots, so that the forecast is a perfect score)"
    )
    conditions = covers + helps
    verdict = "upheld" if all(conditions) else "partly" if any(conditions) else "not upheld"
    return Verdict(verdict, _sentence(said) + " A partial answer: arithmetic only.")


def published_translation() -> pl.DataFrame:
    """Accuracy of GPT-3's largest model, foretold from the edit distance of the three smaller ones.

    The distance D is forecast by a line in log size; accuracy is ``(1 - D / L)^L`` (Section 2).

    Returns
    -------
    Frame with ``task, group, temperature, cut, predicted, observed, naive, skill``; ``cut`` says that the
    line leads beyond distance 0, which is cut to it: then the forecast is accuracy 1.

    >>> published_translation().height
    18
    """
    table = curves.published("fig3").with_columns(
        task=pl.when(pl.col("panel").str.contains("add")).then(pl.lit("addition")).otherwise(pl.lit("multiplication"))
    )
    rows = []
    for key, part in table.group_by("task", "target_str_len", "temperature", maintain_order=True):
        length = key[1]
        accuracy, distance = (
            part.filter(pl.col("panel").str.ends_with(ending)).sort("params") for ending in ("accuracy", "neg_ted")
        )
        x = np.log(distance["params"].to_numpy())
        ahead = -extrapolate(x[:-1], distance["value"].to_numpy()[None, :-1], x[-1:], "line")[0, 0]
        predicted = (1 - np.clip(ahead, 0, length) / length) ** length
        naive, observed = accuracy["value"].to_list()[-2:]
        missed, naively = abs(observed - predicted), abs(observed - naive)
        rows.append((*key, bool(ahead < 0), float(predicted), observed, naive, float(1 - missed / naively) if naively else -np.inf))
    names = "task group temperature cut predicted observed naive skill".split()
    return pl.DataFrame(rows, schema=names, orient="row")


def _share(held: list[bool]) -> str:
    """Upheld where all hold, partly where at least half do, else not upheld.

    >>> _share([True, False])
    'partly'
    """
    return "upheld" if all(held) else "partly" if sum(held) >= len(held) / 2 else "not upheld"


def _sentence(parts: list[str]) -> str:
    text = "; ".join(parts) + "."
    return text[0].upper() + text[1:]
