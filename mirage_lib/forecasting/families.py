"""Families: every curve of the book and of the public records whose largest model can be held out.

The rules, written before any forecast was looked at:

1. A curve belongs to one family on one task under one metric. Sizes are parameters; for the OLMo ladder, made to be
   forecast along compute, they are training compute. Of two models of one size the first in the table is kept.
2. *Near*: the largest model is held out, at least four smaller ones are seen. *Far*: the three largest are held out
   and at least four are seen; what is scored is the largest again, so both foresee the same number. For the OLMo
   ladder the held-out ones are the 7B and the 13B model, which were trained to be forecast; near only.
3. A curve is left out where there is nothing to foresee: where the range of all its values is less than four times
   its error of measurement (root mean square), or zero.
4. Sharp: an answer, or a whole sequence, counts as right or wrong. Smooth: everything else. A smooth metric of the
   same answers is the sharp one's partner; for open_lm it is the validation loss of the same models.
5. Our families have seeds: a value is the mean over seeds and items, its error that of the seeds where there are
   three or more of a size (they differ more than items do), else that of the items. A share of right answers then
   counts as so many answers as would give that error (the median over sizes): seeds that disagree are few answers.
6. Families whose models differ in more than size by their makers' description (the GPT lineage, mixtures of experts)
   are left out, and so is what has fewer than five sizes (GPT-3's digitised curves have four).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import polars as pl

from mirage_lib import curves, metrics, outputs
from mirage_lib.analyses import recipes
from mirage_lib.arithmetic import public
from mirage_lib.bigbench import records
from mirage_lib.forecasting.cases import SHARP, SMOOTH, Curve

LEAST = 5
"""Sizes from which on a curve can be forecast: four are seen."""
SOURCES: dict[str, Callable[[], Iterator[Curve]]] = {}
LABELS = {
    "ladder": "our arithmetic ladder", "vision": "our vision networks", "bigg": "BIG-G on BIG-Bench",
    "arithmetic": "public models, 2-shot arithmetic", "few-shot": "public models, other few-shot tasks",
    "choice": "public models, multiple choice", "benchmarks": "public models, standard benchmarks",
    "lm-eval": "Pythia, OPT, BLOOM, XGLM, Llama", "olmo": "OLMo ladder to 7B and 13B", "open-lm": "open_lm", "pythia-addition": "Pythia, sampled until success",
}  # fmt: skip


def source(function: Callable[[], Iterator[Curve]]) -> Callable[[], Iterator[Curve]]:
    """Enter a function that yields curves under its name, with hyphens."""
    SOURCES[function.__name__.replace("_", "-")] = function
    return function


@cache
def curves_of(name: str) -> tuple[Curve, ...]:
    """Return all curves of a source, with those that rule 3 leaves out.

    Raises
    ------
    KeyError
        If there is no such source.

    >>> len(curves_of("pythia-addition"))
    1
    """
    if name not in SOURCES:
        raise KeyError(f"unknown source {name!r}: there are {', '.join(SOURCES)}")
    return tuple(SOURCES[name]())


def worth(curve: Curve) -> bool:
    """Whether there is something to foresee (rule 3).

    >>> worth(curves_of("pythia-addition")[0])
    True
    """
    return float(np.ptp(curve.values)) > 4 * float(np.sqrt(np.mean(curve.errors**2)))


def _share_errors(values: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Standard errors of shares; a share of none or all is given that of half an answer."""
    p = np.clip(values, 0.5 / n, 1 - 0.5 / n)
    return np.sqrt(p * (1 - p) / n)


def _scored(table: pl.DataFrame, source: str, task: str, scorers: tuple[str | metrics.Metric, ...], partner: str = "") -> list[Curve]:
    """Curves of one cell of our own outputs (rule 5); the partner is that of the first scorer."""
    chosen = {metrics.get(one).name: metrics.get(one) for one in scorers}
    scored = table.select("n_params", "seed", "item").with_columns(
        (known.score(table).cast(pl.Float64) * (-1 if known.better == "lower" else 1)).alias(name) for name, known in chosen.items()
    )
    family, first = table["family"][0], next(iter(chosen))
    found: dict[str, Curve] = {}
    for name, known in chosen.items():
        runs = scored.group_by("n_params", "seed").agg(pl.col(name).mean().alias("mean"), pl.col(name).var().alias("var"), n=pl.len())
        sizes = runs.group_by("n_params").agg(
            pl.col("mean").mean(), seeds=pl.len(), n=pl.col("n").sum(),
            between=pl.col("mean").std() / pl.len().sqrt(), within=(pl.col("var") / pl.col("n")).mean().sqrt() / pl.len().sqrt(),
        ).sort("n_params")  # fmt: skip
        error = pl.when(pl.col("seeds") >= 3).then(pl.max_horizontal("between", "within")).otherwise("within").fill_null(0.0)
        sizes = sizes.with_columns(error=error)
        low, high = (-known.range[1], -known.range[0]) if known.better == "lower" else known.range
        sharp = (low, high) == (0, 1) and set(scored[name].unique().to_list()) <= {0.0, 1.0}
        values, errors = sizes["mean"].to_numpy(), sizes["error"].to_numpy()
        n = _worth_answers(values, errors) if sharp else None
        found[name] = Curve(
            source, family, task, name, SHARP if sharp else SMOOTH, sizes["n_params"].to_numpy().astype(float),
            values, errors if n is None else _share_errors(values, n), n, float(low), float(high),
            items=_right(scored, name) if sharp else None,
        )  # fmt: skip
    return [_with_partner(one, found.get(partner) if name == first else None) for name, one in found.items()]


def _worth_answers(values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """How many answers shares with these errors are worth (rule 5), the same for all sizes."""
    inside = (errors > 0) & (values > 0) & (values < 1)
    worth = np.median(values[inside] * (1 - values[inside]) / errors[inside] ** 2) if inside.any() else 100.0
    return np.full(len(values), max(10.0, float(np.round(worth))))


def _with_partner(curve: Curve, partner: Curve | None) -> Curve:
    return curve if partner is None else Curve(**{**curve.__dict__, "partner": partner})


def _right(scored: pl.DataFrame, name: str) -> np.ndarray | None:
    """Right or wrong of the items that all sizes answered, seed by seed: (models, items)."""
    sizes = scored["n_params"].n_unique()
    first = scored.unique(["n_params", "seed", "item"], keep="first", maintain_order=True)
    whole = first.group_by("seed", "item").agg(pl.col("n_params").sort_by("n_params"), pl.col(name).sort_by("n_params"))
    whole = whole.filter(pl.col(name).list.len() == sizes).sort("seed", "item")
    return np.array(whole[name].to_list(), dtype=bool).T if whole.height else None


@source
def ladder() -> Iterator[Curve]:
    """Our ladder: sums and products by target length, at temperature 0."""
    table = outputs.load("arithmetic-ladder")
    names = ("exact_match", "token_edit_distance", "target_log_probability")
    for (task, length), cell in sorted(table.group_by("task", "group"), key=lambda one: one[0]):
        yield from _scored(cell, "ladder", f"{task}, {length} digits", names, "target_log_probability")


@source
def vision() -> Iterator[Curve]:
    """Our networks for pictures: digits, letters in episodes, and pieces of photographs."""
    for name in ("vision-lenet", "vision-lenet-pooled"):
        table = outputs.load(name).filter(pl.col("item").cast(pl.Int64) < 2000)
        yield from _scored(table, "vision", name.removeprefix("vision-"), ("picture_accuracy",))
    episodes = outputs.load("vision-transformer")
    for length in (1, 3, 5):
        whole = metrics.vision.first_all_correct(length)
        yield from _scored(episodes, "vision", f"episodes, all {length}", (whole, "sequence_accuracy"), "sequence_accuracy")
    copies = outputs.load("vision-autoencoder-photographs")
    for c in (0.1, 0.3):
        yield from _scored(copies, "vision", f"photographs, within {c}", (metrics.vision.reconstruction_within(c), "squared_error"), "squared_error")


@source
def bigg() -> Iterator[Curve]:
    """BIG-G at twelve sizes on 85 tasks, three shots, with the items behind each share."""
    items = records.correct().filter(pl.col("shots") == 3).sort("n_params")
    right = {task: part["correct"].to_list() for (task,), part in items.group_by("task", maintain_order=True)}
    for one in _tabled("bigg", records.load("bigg"), ("multiple_choice_grade", "exact_str_match"), ("brier_top_label",)):
        lists = right.get(one.task, [])
        whole = one.group == SHARP and len(lists) == len(one.sizes) and len({len(each) for each in lists}) == 1
        yield Curve(**{**one.__dict__, "items": np.array(lists, dtype=bool)}) if whole else one


def _tabled(source: str, table: pl.DataFrame, sharp: tuple[str, ...], smooth: tuple[str, ...], partner: str = "") -> Iterator[Curve]:
    """Curves of a records table, one a family, task, metric, shots and setting."""
    table = records.turned(table.filter(pl.col("metric").is_in([*sharp, *smooth, partner])))
    # Without errors of their own, smooth scores get none: what a model strays is then all scatter.
    keys = ["family", "task", "shots"]
    for (family, task, shots), cell in sorted(table.group_by(keys), key=lambda one: one[0]):
        found: dict[str, Curve] = {}
        for (name,), part in sorted(cell.group_by("metric")):
            part = part.unique("n_params", keep="first", maintain_order=True).sort("n_params")
            if part.height < LEAST:
                continue
            known, values = records.scale(name), part["score"].to_numpy()
            low, high = (-known.most, -known.least) if known.better == "lower" else (known.least, known.most)
            counted = part["n_items"].null_count() == 0 and name in sharp
            n = part["n_items"].to_numpy().astype(float) if counted else None
            chance = part["chance"].max() if name in sharp else None
            found[name] = Curve(
                source, family, task if table["shots"].n_unique() == 1 else f"{task}, {shots} shots", name, SHARP if name in sharp else SMOOTH,
                part["n_params"].to_numpy().astype(float), values, np.zeros(len(values)) if n is None else _share_errors(values, n), n,
                low, high, chance=float(chance or 0),
            )  # fmt: skip
        smoothed = found.get(partner)
        for name, one in found.items():
            fits = name in sharp and smoothed is not None and np.array_equal(smoothed.sizes, one.sizes)
            yield _with_partner(one, smoothed if fits else None)


@source
def arithmetic() -> Iterator[Curve]:
    """Public base models on 2-shot sums and products, without mixtures of experts."""
    table = public.arithmetic().filter(~pl.col("mixture").cast(pl.String).eq("true"))
    for (family, task), part in sorted(table.group_by("family", "task"), key=lambda one: one[0]):
        part = part.unique("n_params", keep="first", maintain_order=True).sort("n_params")
        if part.height >= LEAST:
            values, n = part["accuracy"].to_numpy(), part["n"].to_numpy().astype(float)
            yield Curve("arithmetic", family, task, "accuracy", SHARP, part["n_params"].to_numpy().astype(float), values, _share_errors(values, n), n)


@source
def few_shot() -> Iterator[Curve]:
    """Public models on other 2-shot tasks: unscrambling, Persian questions, transliteration."""
    table = records.load("few-shot").filter(~pl.col("task").str.contains("digit|add|subtr|mult|arithmetic"))
    yield from _tabled("few-shot", table, ("accuracy", "exact_match"), ("bleu",))


@source
def choice() -> Iterator[Curve]:
    """Public models on nine multiple choice tasks: accuracy and the Brier score of the same answers."""
    yield from _tabled("choice", records.load("choice"), ("accuracy",), ("brier",), "brier")


@source
def benchmarks() -> Iterator[Curve]:
    """Public models on standard benchmarks: accuracy, without numbers of items."""
    yield from _tabled("benchmarks", records.load("benchmarks"), ("accuracy",), ())


@source
def lm_eval() -> Iterator[Curve]:
    """Families of lm-evaluation-harness, zero shots: accuracy, and perplexity where there is one."""
    table = records.load("lm-eval").filter(pl.col("shots") == 0)
    yield from _tabled("lm-eval", table, ("accuracy",), ("perplexity",))


@source
def open_lm() -> Iterator[Curve]:
    """open_lm: 46 tasks, and the validation loss of the same models as their partner."""
    table = records.load("open-lm")
    losses = {one.family: one for one in _tabled("open-lm", table.filter(pl.col("metric") == "loss"), (), ("loss",))}
    yield from losses.values()
    for one in _tabled("open-lm", table, ("accuracy",), ()):
        loss = losses.get(one.family)
        yield _with_partner(one, loss if loss is not None and np.array_equal(loss.sizes, one.sizes) else None)


@source
def olmo() -> Iterator[Curve]:
    """The OLMo ladder along compute; the last two models are the targets."""
    table = recipes.ladder().drop_nulls(list(recipes.METRICS))
    for (task,), part in table.group_by("task", maintain_order=True):
        sizes = part["flops_1e21"].to_numpy()
        bits = Curve("olmo", "OLMo", task, "bits_per_byte", SMOOTH, sizes, -part["bits_per_byte"].to_numpy(), np.zeros(part.height), None, -np.inf, 0.0)
        yield bits
        for name, group in (("accuracy", SHARP), ("target_probability", SMOOTH)):
            chance = float(part["chance"].max() or 0)
            yield Curve("olmo", "OLMo", task, name, group, sizes, part[name].to_numpy(), np.zeros(part.height), None, 0.0, 1.0,
                        chance if group == SHARP else 0.0, bits if group == SHARP else None)  # fmt: skip


@source
def pythia_addition() -> Iterator[Curve]:
    """Five published points of Pythia on sums of two digits, sampled until success: no zeros, no numbers of items."""
    table = public.addition().sort("n_params_non_embedding")
    yield Curve("pythia-addition", "Pythia", "sums of two digits", "accuracy", SHARP,
                table["n_params_non_embedding"].to_numpy().astype(float), table["accuracy"].to_numpy(), np.zeros(table.height))  # fmt: skip
