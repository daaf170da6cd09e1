"""Recipes: models that differ in size and training length only, and what several metrics say of their outputs.

The OLMo ladder has five sizes at five training lengths, made the same way, and two larger models (7B, 13B)
that a forecast can be held against. Accuracy, bits per byte of the right answer, and its probability among
the choices were counted on the same outputs (Bhagia et al.).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
from scipy.optimize import curve_fit
from scipy.stats import binomtest

from mirage_lib import breaks, emergence, outputs
from mirage_lib.bigbench import records

METRICS = ("accuracy", "target_probability", "bits_per_byte")
TARGETS = ("OLMo 4T tokens", "OLMo 5T tokens")
"""Families of the large models: no forecast may see them."""


@cache
def ladder() -> pl.DataFrame:
    """One row for one model on one task, its metrics side by side, ordered by compute (1e21 FLOPs).

    >>> ladder()["model"].n_unique()
    27
    """
    table = records.load("olmo").filter(pl.col("metric").is_in(METRICS))
    table = table.with_columns(chance=pl.col("chance").max().over("task"))
    keys = ["task", "family", "model", "n_params", "flops_1e21", "chance"]
    wide = table.pivot(on="metric", index=keys, values="score")
    return wide.with_columns(target=pl.col("family").is_in(TARGETS)).sort("task", "flops_1e21")


@cache
def runs() -> pl.DataFrame:
    """The points along every run of the ladder, ordered by compute (1e21 FLOPs): 25 runs, 25 points each.

    >>> runs().select("model", "run").n_unique()
    25
    """
    path = outputs.FROZEN / "olmo-runs.parquet"
    outputs.verify(path, outputs.manifest()[path.name]["sha256"])
    return pl.read_parquet(path).sort("task", "n_params", "run", "flops_1e21")


@cache
def wobble(last: int = 8) -> pl.DataFrame:
    """How far a score strays from its own run's trend: the noise of one point.

    The trend is a straight line through the last points of a run, in the number of the point; the residuals of
    all 25 runs of a task are pooled. The same items are asked at each point, so this is the luck of the step, not
    that of the items.

    Parameters
    ----------
    last : points of each run

    Returns
    -------
    Frame with ``task, metric, noise``.

    >>> wobble().height == 3 * len(tasks())
    True
    """
    x = np.arange(last) - (last - 1) / 2
    rows = []
    for (task,), part in runs().group_by("task", maintain_order=True):
        for metric in METRICS:
            ends = part.drop_nulls(metric).group_by("model", "run", maintain_order=True).tail(last)
            lines = ends.group_by("model", "run", maintain_order=True).agg(metric).filter(pl.col(metric).list.len() == last)
            y = np.array(lines[metric].to_list())
            left = y - y.mean(axis=1, keepdims=True) - (y @ x / (x @ x))[:, None] * x
            rows.append({"task": task, "metric": metric, "noise": float(np.sqrt(np.sum(left**2) / (len(y) * (last - 2))))})
    return pl.DataFrame(rows)


@cache
def scatter() -> pl.DataFrame:
    """How far the ends of the 25 runs stray from one smooth curve in compute: the noise between runs, and more.

    The curve is a cubic in log compute. What strays holds the wobble, the luck of a run, and whatever sets apart a
    small model trained long from a large one trained shortly; so it is no less than the noise of one run's end,
    up to its own sampling error.

    Returns
    -------
    Frame with ``task, metric, noise``.

    >>> scatter().height == 3 * len(tasks())
    True
    """
    rows = []
    for task in tasks():
        for metric in METRICS:
            part = along(task, metric)
            x, y = np.log(part["flops_1e21"].to_numpy()), part["value"].to_numpy()
            left = y - np.polyval(np.polyfit(x, y, 3), x)
            rows.append({"task": task, "metric": metric, "noise": float(np.sqrt(np.sum(left**2) / (len(x) - 4)))})
    return pl.DataFrame(rows)


def noise_of(source: str) -> dict[tuple[str, str], float]:
    """The noise of one point, by task and metric: ``wobble`` (within a run) or ``scatter`` (between runs).

    Raises
    ------
    ValueError
        If the source is neither.

    >>> len(noise_of("wobble")) == len(noise_of("scatter"))
    True
    """
    sources = {"wobble": wobble, "scatter": scatter}
    if source not in sources:
        raise ValueError(f"unknown noise {source!r}: take one of {', '.join(sources)}")
    return {(task, metric): value for task, metric, value in sources[source]().iter_rows()}


@cache
def slices(draws: int = 1000, source: str = "wobble") -> pl.DataFrame:
    """Score five sizes at one budget, and five budgets at one size, against smooth curves with their noise.

    Parameters
    ----------
    draws : null curves for each slice
    source : which noise, see :func:`noise_of`

    Returns
    -------
    Frame with ``task, metric, axis`` (``size`` or ``budget``), ``slice, score, exceedance`` (how often a smooth
    curve with the same noise scores as high; see :func:`mirage_lib.emergence.null_scores`).

    >>> slices(20).height == len(tasks()) * 3 * 10
    True
    """
    noise = noise_of(source)
    rows = []
    for task in tasks():
        for metric in METRICS:
            table = along(task, metric)
            for axis, fixed in (("size", "family"), ("budget", "n_params")):
                for (name,), part in table.sort("flops_1e21").group_by(fixed, maintain_order=True):
                    x, values = part["flops_1e21"], part["value"]
                    score = emergence.score(x, values)
                    null = emergence.null_scores(x, values, [noise[task, metric]] * part.height, draws)
                    row = {"task": task, "metric": metric, "axis": axis, "slice": str(name), "score": score}
                    rows.append(row | {"exceedance": emergence.exceedance(score, null)})
    return pl.DataFrame(rows)


def tasks() -> list[str]:
    """Names of the tasks that have all three metrics.

    >>> "mmlu_stem_test" in tasks()
    True
    """
    whole = ladder().drop_nulls(list(METRICS))
    return sorted(whole["task"].unique().to_list())


def along(task: str, metric: str) -> pl.DataFrame:
    """Scores of one task on the ladder, turned so that up is better: ``flops_1e21, n_params, family, value``.

    >>> along("mmlu_stem_test", "accuracy").height
    25
    """
    sign = -1.0 if metric == "bits_per_byte" else 1.0
    part = ladder().filter((pl.col("task") == task) & ~pl.col("target")).drop_nulls(metric)
    return part.select("flops_1e21", "n_params", "family", value=sign * pl.col(metric))


@cache
def order(draws: int = 200) -> pl.DataFrame:
    """How each metric moves with compute, and whether it breaks.

    Returns
    -------
    Frame with ``task, metric, rank`` (Spearman's correlation with compute over the 25 ladder models) and ``p``
    (of :func:`mirage_lib.breaks.find`; the noise is the scatter about the smooth fit).

    >>> order(20).columns
    ['task', 'metric', 'rank', 'p']
    """
    rows = []
    for task in tasks():
        for metric in METRICS:
            part = along(task, metric)
            places = part.select(pl.col("flops_1e21", "value").rank())
            found = breaks.find(np.log(part["flops_1e21"]), part["value"], draws=draws)
            rank = float(np.corrcoef(places["flops_1e21"], places["value"])[0, 1])
            rows.append({"task": task, "metric": metric, "rank": rank, "p": found.p})
    return pl.DataFrame(rows)


def _power(log_compute: np.ndarray, floor: float, scale: float, slope: float) -> np.ndarray:
    return floor + np.exp(scale - slope * log_compute)


def _logistic(x: np.ndarray, base: float, span: float, middle: float, slope: float) -> np.ndarray:
    return base + span / (1 + np.exp(-np.clip(slope * (x - middle), -50, 50)))


def _rise(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    start = (float(y.min()), 0.5, float(x.max()), 2 / max(float(np.std(x)), 1e-6))
    limits = ([0, 0.01, x.min() - 3 * np.ptp(x), 0], [1, 1, x.max() + 3 * np.ptp(x), 100])
    return _logistic(at, *curve_fit(_logistic, x, y, start, bounds=limits, maxfev=20_000)[0])


@cache
def forecasts() -> pl.DataFrame:
    """Forecast the accuracy of the 7B and 13B models from the ladder alone, in three ways.

    *two steps*: compute to bits per byte by a power law, bits per byte to accuracy by a logistic curve;
    *direct*: accuracy by a logistic curve in log compute; *naive*: the ladder model with most compute.

    Returns
    -------
    Frame with ``task, model, way, forecast, accuracy, error`` (absolute).

    >>> sorted(forecasts()["way"].unique())
    ['direct', 'naive', 'two steps']
    """
    rows = []
    for task in tasks():
        part = ladder().filter(pl.col("task") == task).drop_nulls(list(METRICS))
        seen, far = part.filter(~pl.col("target")), part.filter("target")
        x, at = np.log(seen["flops_1e21"].to_numpy()), np.log(far["flops_1e21"].to_numpy())
        y, bits = seen["accuracy"].to_numpy(), seen["bits_per_byte"].to_numpy()
        law = curve_fit(_power, x, bits, (0.3, -1.0, 0.2), bounds=([0, -20, 0], [5, 5, 2]), maxfev=20_000)[0]
        guesses = {
            "two steps": _rise(-bits, y, -_power(at, *law)),
            "direct": _rise(x, y, at),
            "naive": np.full(len(at), y[-1]),
        }
        for way, values in guesses.items():
            for model, value, truth in zip(far["model"], values, far["accuracy"], strict=True):
                rows.append({"task": task, "model": model, "way": way, "forecast": float(value), "accuracy": truth})
    return pl.DataFrame(rows).with_columns(error=(pl.col("forecast") - pl.col("accuracy")).abs())


def sign_test(wins: int, n: int) -> float:
    """Two-sided p-value of so many wins in so many fair tosses.

    >>> sign_test(5, 5), sign_test(3, 6)
    (0.0625, 1.0)
    """
    return float(binomtest(wins, n).pvalue)


def compared(first: str, second: str) -> tuple[int, int, float]:
    """Tasks on which one way of forecasting errs less than another (mean over both targets), tasks, sign test.

    >>> compared("two steps", "naive")[1] == len(tasks())
    True
    """
    means = forecasts().group_by("task", "way").agg(pl.col("error").mean()).pivot(on="way", index="task", values="error")
    wins = int((means[first] < means[second]).sum())
    return wins, means.height, sign_test(wins, means.height)


@cache
def onsets(source: str = "wobble") -> pl.DataFrame:
    """From which compute on a metric stays above its first level, by twice its noise.

    The first level is the mean of the three ladder models with least compute, and need not be chance; the noise is
    that of one point, from either source (:func:`noise_of`).

    Returns
    -------
    Frame with ``task, metric, noise, onset`` (1e21 FLOPs; empty where the metric never stays above).

    >>> onsets().height == 3 * len(tasks())
    True
    """
    noises = noise_of(source)
    rows = []
    for task in tasks():
        for metric in METRICS:
            part = along(task, metric)
            x, y = np.log(part["flops_1e21"].to_numpy()), part["value"].to_numpy()
            noise = noises[task, metric]
            below = np.flatnonzero(y <= y[:3].mean() + 2 * noise)
            last = int(below[-1]) + 1
            onset = float(np.exp(x[last])) if last < len(x) else None
            rows.append({"task": task, "metric": metric, "noise": noise, "onset": onset})
    return pl.DataFrame(rows)


def onset_order(first: str, second: str, source: str = "wobble") -> tuple[int, int, float]:
    """Tasks in which one metric moves at less compute than another, tasks in which they differ, sign test.

    >>> onset_order("bits_per_byte", "accuracy")[1] <= len(tasks())
    True
    """
    wide = onsets(source).with_columns(pl.col("onset").fill_null(float("inf"))).pivot(on="metric", index="task", values="onset")
    wins, losses = int((wide[first] < wide[second]).sum()), int((wide[first] > wide[second]).sum())
    return wins, wins + losses, sign_test(wins, wins + losses)


@cache
def axes() -> pl.DataFrame:
    """Climb of five models along size (at one budget) and along budget (at one size).

    Returns
    -------
    Frame with ``task, metric, axis`` (``size`` or ``budget``), ``steps_down``: the share of steps along the axis
    that make the score worse, over all slices.

    >>> sorted(axes()["axis"].unique())
    ['budget', 'size']
    """
    rows = []
    for task in tasks():
        for metric in METRICS:
            for axis, fixed in (("size", "family"), ("budget", "n_params")):
                slices = along(task, metric).sort("flops_1e21").group_by(fixed).agg("value")["value"].to_list()
                down = np.concatenate([np.diff(values) < 0 for values in slices])
                rows.append({"task": task, "metric": metric, "axis": axis, "steps_down": float(down.mean())})
    return pl.DataFrame(rows)


@cache
def transliteration() -> pl.DataFrame:
    """Exact match and BLEU of the same transliterations into IPA, 2 shots, one row for one model.

    >>> transliteration().columns
    ['family', 'model', 'n_params', 'exact_match', 'bleu']
    """
    table = records.load("few-shot").filter(pl.col("task") == "ipa_transliterate")
    wide = table.pivot(on="metric", index=["family", "model", "n_params"], values="score", aggregate_function="first")
    return wide.select("family", "model", "n_params", "exact_match", "bleu").drop_nulls().sort("bleu")


PAIRS = (("gpt2", "gpt2-xl"), ("gpt2-xl", "EleutherAI/gpt-j-6b"), ("models--llama/7B", "models--llama/13B"),
         ("models--llama/13B", "models--llama/30B"), ("tiiuae/falcon-7b", "tiiuae/falcon-40b"))  # fmt: skip
"""Smaller and larger models that were trained alike, or nearly; none is tuned to follow instructions."""


def lineage() -> pl.DataFrame:
    """On how many tasks and prompt forms the larger of a pair is better, by metric (records under CC BY-SA).

    >>> "edit_distance" in lineage()["metric"].to_list()
    True
    """
    table = records.turned(records.load("gpt-lineage"))
    rows = []
    for smaller, larger in PAIRS:
        keys = ["task", "metric", "setting", "shots"]
        sides = [table.filter(pl.col("model") == name).group_by(keys).agg(pl.col("score").mean()) for name in (smaller, larger)]
        both = sides[0].join(sides[1], on=keys, suffix="_larger", nulls_equal=True)
        for (metric,), part in both.group_by("metric"):
            gain = part["score_larger"] - part["score"]
            up, down = int((gain > 0).sum()), int((gain < 0).sum())
            rows.append({"smaller": smaller, "larger": larger, "metric": metric, "better": up, "worse": down, "same": part.height - up - down})
    return pl.DataFrame(rows).sort("smaller", "larger", "metric")
