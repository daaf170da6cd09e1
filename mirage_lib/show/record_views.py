"""Record views: every curve of the embedded records, one at a time, with its score and that of smooth curves.

What an explorer or a table shows of a curve is computed once, by :func:`collect`, as two frames: its points
with their intervals, and the facts about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import curves, emergence
from mirage_lib.analyses import triplets
from mirage_lib.bigbench import records
from mirage_lib.forecasts import quantiles
from mirage_lib.show import figures, theme
from mirage_lib.show.explorer import Control, Explorer
from mirage_lib.show.figures import Figure
from mirage_lib.show.views import AXIS, INTERVALS

NAME = "records"
SOURCES = {
    "bigg": "BIG-G on BIG-Bench",
    "choice": "Choices of public models",
    "few-shot": "Few-shot, public models",
    "olmo": "OLMo ladder",
    "lm-eval": "lm-evaluation-harness",
    "open-lm": "open_lm models",
}
"""The records tables shown, in the order in which they are offered."""
METRICS = {
    "multiple_choice_grade": "Multiple choice grade",
    "exact_str_match": "Exact string match",
    "accuracy": "Accuracy",
    "exact_match": "Exact match",
    "brier": "Brier score (the paper's)",
    "brier_top_label": "Top-label Brier score (not the paper's)",
    "accuracy_normalized": "Accuracy, normalised by length",
    "bits_per_byte": "Bits per byte",
    "target_probability": "Target probability",
    "target_log_probability": "Target log-probability",
    "bleu": "BLEU",
    "f1": "F1",
    "perplexity": "Perplexity",
    "loss": "Loss, nats a token",
    "likelihood_difference": "Likelihood difference",
    "pct_stereotype": "Share of stereotypes preferred",
}
"""The metrics shown, in the order in which they are offered, and their names in words."""
LEAST = {"choice": 4}
"""Fewest sizes of a curve, where it is not five: no family of ``choice`` but some has more than four."""
LEVEL = 0.05
"""A curve is above its null if a smaller share than this of smooth curves scores as high."""
KEYS = ("records", "family", "task", "metric", "shots")


@dataclass(frozen=True)
class Curves:
    """Curves of records.

    Attributes
    ----------
    facts : frame
        One row a curve: ``curve`` (its number), :data:`KEYS`, ``models, n`` (items), ``chance``, ``noise``
        (``binomial``; ``recorded`` where standard errors are; ``bound`` where they are taken as large as n
        items allow; empty), ``lowest, highest`` score, the emergence ``score`` with its 95 % interval
        ``score_low, score_high``, ``straight, null_high, exceedance`` of :func:`triplets.report`, and ``above``.
    points : frame
        ``curve, n_params, estimate, low, high``; the ends are missing where the noise is not known.
    """

    facts: pl.DataFrame
    points: pl.DataFrame


def collect(names: tuple[str, ...] = tuple(SOURCES), draws: int = 2000, redraws: int = 400) -> Curves:
    """Gather the curves of the records, and score each.

    Parameters
    ----------
    names : tuple of str
        Which tables of :data:`SOURCES`.
    draws, redraws : int
        For the null of a score, and for its interval.

    >>> few = collect(("few-shot",), draws=50, redraws=50)
    >>> few.facts.height, few.points["curve"].n_unique()
    (35, 35)
    """
    facts, points, count = [], [], 0
    for name in names:
        table = _shown(records.load(name))
        found = triplets.split(table, LEAST.get(name, 5))
        report = triplets.report(found, draws).with_row_index("curve", offset=count)
        more = [_more(one, redraws) for one in found]
        facts.append(pl.concat([report, pl.DataFrame(more, infer_schema_length=None)], how="horizontal"))
        points += [(count + k, *point) for k, one in enumerate(found) for point in _points(one)]
        count += len(found)
    columns = ["models", "n", "chance", "noise", "lowest", "highest", "score", "score_low", "score_high"]
    whole = pl.concat(facts, how="vertical_relaxed").rename({"origin": "records", "n_items": "n"})
    whole = whole.select("curve", *KEYS, *columns, "straight", "null_high", "exceedance")
    whole = whole.with_columns(above=pl.col("exceedance") < LEVEL)
    schema = {"curve": pl.UInt32, "n_params": pl.Int64, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return Curves(whole, pl.DataFrame(points, schema=schema, orient="row"))


def _shown(table: pl.DataFrame) -> pl.DataFrame:
    """Keep the metrics shown, and the top-label Brier score of choices only.

    Of an answer that is no choice the renormalised confidence is one for most tasks, and that score then
    is one less the share of right answers: the same curve twice.
    """
    by_choice = (pl.col("metric") == "multiple_choice_grade").any().over("task")
    return table.filter(pl.col("metric").is_in(list(METRICS)), (pl.col("metric") != "brier_top_label") | by_choice)


def _sign(metric: str) -> int:
    return -1 if records.scale(metric).better == "lower" else 1


def _items(one: triplets.Triplet) -> int | None:
    """The number of items, where the score is a share of right answers to them."""
    return one.n_items if one.metric in records.ZERO_ONE else None


def _more(one: triplets.Triplet, redraws: int) -> dict:
    """What :func:`triplets.report` does not tell of a curve."""
    values = _sign(one.metric) * one.values
    low, high, noise = None, None, ""
    if np.isfinite(one.errors).all():
        again = emergence.redrawn_scores(one.sizes, one.values, one.errors, redraws, items=_items(one))
        low, high = quantiles(again)
        shares = records.scale(one.metric).most == 1 and one.origin != "lm-eval"
        noise = "binomial" if _items(one) else "bound" if shares else "recorded"
    ends = {"lowest": float(values.min()), "highest": float(values.max())}
    return ends | {"noise": noise, "score_low": low, "score_high": high}


def _points(one: triplets.Triplet) -> list[tuple]:
    """Size, score and interval of every model, the score as the record has it.

    The interval is Wilson's for shares of right answers, else the score and 1.96 standard errors.
    """
    sign, items, scale = _sign(one.metric), _items(one), records.scale(one.metric)
    rows = []
    for size, value, error in zip(one.sizes, sign * one.values, one.errors, strict=True):
        low = high = None
        if items:
            low, high = curves.wilson(min(max(value, 0), 1) * items, items)
        elif np.isfinite(error):
            low, high = max(value - 1.96 * error, scale.least), min(value + 1.96 * error, scale.most)
        rows.append((round(size), float(value), low, high))
    return rows


def address(fact: dict) -> str:
    """The address, within a page, of the explorer showing one curve.

    >>> address({"records": "bigg", "family": "BIG-G", "task": "t", "metric": "m", "shots": 3})
    '#explorer-records?records=bigg&family=BIG-G&task=t&metric=m&shots=3'
    """
    return f"#explorer-{NAME}?" + urlencode({key: fact[key] for key in KEYS})


def explorer(shown: Curves, start: dict) -> Explorer:
    """Let the reader choose records, family, task, metric and shots, and see the curve and its score.

    Parameters
    ----------
    shown : Curves
        From :func:`collect`.
    start : dict
        The curve shown first: a row of ``facts``.
    """
    facts = shown.facts.drop("lowest", "highest", "above")
    order = [name for name in METRICS if name in facts["metric"]]
    shots = facts["shots"].unique().sort()
    options = {
        "records": [{"value": name, "label": label} for name, label in SOURCES.items()],
        "family": [{"value": name, "label": name} for name in facts["family"].unique(maintain_order=True)],
        "task": [{"value": name, "label": name} for name in facts["task"].unique().sort()],
        "metric": [_option(name) for name in order],
        "shots": [{"value": str(n), "label": str(n) if n >= 0 else "not recorded"} for n in shots],
    }
    labels = ("Records", "Family", "Task", "Metric", "Examples in the prompt")
    controls = [
        Control(key, label, str(start[key]), options[key], key) for key, label in zip(KEYS, labels, strict=True)
    ]
    ranges = [
        {"value": "fitted", "label": "fitted to the curve"},
        {"value": "whole", "label": "the metric's whole range"},
    ]
    return Explorer(
        name=NAME,
        figure=_face(shown, start),
        controls=[*controls, Control("range", "Vertical range", "fitted", ranges), AXIS, INTERVALS],
        rows=shown.points,
        group={"field": "", "title": "Curve", "values": ["curve"]},
        facts=facts,
    )


def _option(metric: str) -> dict:
    """Describe a metric to the script: label, drawing direction and the range of the axis."""
    sign, scale, label = _sign(metric), records.scale(metric), METRICS[metric]
    option = {"value": metric, "label": label, "sign": sign, "log_sign": -1 if scale.most == 0 else 1}
    named = label[:2].isupper() or label == "F1" or label.startswith("Brier")
    option["spoken"] = label if named else label[0].lower() + label[1:]
    option["title"] = ("minus " if sign < 0 else "") + option["spoken"]
    if scale.most == 1:
        option["domain"] = sorted((0, sign))
    return option


def _face(shown: Curves, start: dict) -> Figure:
    """The explorer's static face: the task shown first, under all its metrics."""
    same = (pl.col(key) == start[key] for key in KEYS if key != "metric")
    order = list(METRICS)
    facts = sorted(shown.facts.filter(*same).to_dicts(), key=lambda fact: order.index(fact["metric"]))
    said = []
    with theme.style():
        drawing, axes = plt.subplots(1, len(facts), figsize=(3.4 * len(facts), 2.9), squeeze=False)
        for k, (axis, fact) in enumerate(zip(axes[0], facts, strict=True)):
            curve = shown.points.filter(pl.col("curve") == fact["curve"]).sort("n_params")
            sign = _sign(fact["metric"])
            figures.line(axis, curve, theme.CATEGORIES[k % 4], k, sign=sign)
            if fact["chance"] is not None:
                axis.axhline(sign * fact["chance"], color=theme.light("faint"), linestyle=":")
            figures.size_axis(axis, curve["n_params"].to_list())
            label = METRICS[fact["metric"]].split(" (")[0]
            axis.set_ylabel(("− " if sign < 0 else "") + label)
            first, last = curve["estimate"][0], curve["estimate"][-1]
            smallest, largest = (theme.in_words(curve["n_params"][k]) for k in (0, -1))
            said.append(
                f"{METRICS[fact['metric']]} goes from {first:.3g} at {smallest} to {last:.3g} at {largest} parameters; "
                f"its emergence score is {score_in_words(fact['score'])}"
            )
    task = f"{start['task']}, {start['family']}"
    alt = f"The task {task} under {len(facts)} metrics. " + ". ".join(said) + "."
    caption = (
        f"One of {shown.facts.height:,} curves, which the controls choose (with scripts off: {task}, "
        f"{facts[0]['n']} items). "
        "Bands are 95 % intervals. Dotted: chance. Dashed: the smooth curve of the null."
    )
    table = shown.points.join(pl.DataFrame(facts).select("curve", "metric"), on="curve").drop("curve")
    return Figure(drawing, alt, caption, table.select("metric", "n_params", "estimate", "low", "high"))


def score_in_words(score: float) -> str:
    """Write an emergence score, infinite ones too.

    >>> score_in_words(-3.14159), score_in_words(float("inf"))
    ('−3.14', 'infinite')
    """
    if np.isinf(score):
        return "infinite" if score > 0 else "minus infinite"
    return f"{score:.3g}".replace("-", "−")


def alarms(facts: pl.DataFrame) -> pl.DataFrame:
    """Count the curves above their null, and how many there would be if all curves were smooth.

    Returns
    -------
    Frame with ``records, metric, curves`` (those whose noise is known), ``above, by chance`` and ``share``.

    >>> alarms(collect(("few-shot",), draws=50, redraws=50).facts)["curves"].sum()
    28
    """
    order = {name: k for k, name in enumerate((*SOURCES, *METRICS))}
    table = facts.filter(pl.col("exceedance").is_not_null()).group_by("records", "metric").agg(
        curves=pl.len(), above=pl.col("above").sum()
    )
    table = table.sort(pl.col("records").replace_strict(order), pl.col("metric").replace_strict(order))
    return table.select(
        pl.col("records").replace_strict(SOURCES),
        pl.col("metric").replace_strict(METRICS),
        "curves", "above", **{"by chance": LEVEL * pl.col("curves"), "share": pl.col("above") / pl.col("curves")},
    )  # fmt: skip


def striking(facts: pl.DataFrame) -> dict[str, dict]:
    """Choose five curves worth looking at, each by a rule.

    Returns
    -------
    From what a curve is an example of to its row of ``facts``: ``sharpest`` (greatest finite score among those above
    their null that span a fifth of the scale), ``infinite`` (the greatest span with an infinite score), ``alarm`` (the
    least span above its null), ``ordinary`` (the greatest span that more than half of the smooth curves outscore) and
    ``falling`` (the least finite score). All are shares of right answers, whose noise is known best.
    """
    shares = facts.filter(pl.col("noise") == "binomial").with_columns(span=pl.col("highest") - pl.col("lowest"))
    finite, up = pl.col("score").is_finite(), pl.col("score") > 0
    chosen = {
        "sharpest": shares.filter(pl.col("above"), finite, pl.col("span") > 0.2).sort("score").tail(1),
        "infinite": shares.filter(~finite, up).sort("span").tail(1),
        "alarm": shares.filter(pl.col("above"), finite).sort("span").head(1),
        "ordinary": shares.filter(pl.col("exceedance") > 0.5, up).sort("span").tail(1),
        "falling": shares.filter(finite).sort("score").head(1),
    }
    return {what: row.to_dicts()[0] for what, row in chosen.items() if row.height}
