"""Views: the explorers and the many-panelled figures that chapters show, each made by one call."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import curves, metrics, theory
from mirage_lib.show import figures, theme
from mirage_lib.show.explorer import ALL, FULL, Control, Explorer, metric_options, metric_rows
from mirage_lib.show.figures import Figure

AXIS = Control(
    "axis",
    "Vertical axis",
    "linear",
    [{"value": "linear", "label": "linear"}, {"value": "log", "label": "log"}],
)
INTERVALS = Control("intervals", "95 % intervals", True)


def metric_explorer(
    outputs: pl.DataFrame,
    name: str,
    metric_names: list[str],
    length: int,
    test_sets: tuple[int, ...] = (0, 300, 100, 30),
    run: str = "mean",
) -> Explorer:
    """Let the reader change metric, task, target length, seed and test-set size over frozen outputs.

    Parameters
    ----------
    outputs : frame
        Text outputs of one family, such as ``outputs.load("arithmetic-ladder")``.
    name : str
        The explorer's address.
    metric_names : list of str
        The first is shown at the start.
    length : int
        The target length shown at the start.
    test_sets : tuple of int
        Numbers of prompts a target length to choose from; 0 means all there are.
    run : str
        What is shown at the start: ``mean`` over training seeds, or a seed.

    >>> from mirage_lib.outputs import load
    >>> frozen = load("arithmetic-ladder").filter(pl.col("group") == 4)
    >>> explorer = metric_explorer(frozen, "arithmetic", ["exact_match"], length=4, test_sets=(0,))
    >>> sorted(explorer.rows["task"].unique())
    ['addition', 'multiplication']
    """
    rows = metric_rows(outputs, metric_names, test_sets)
    tasks = sorted(rows["task"].unique())
    groups = sorted(rows["group"].unique())
    runs = [ALL_SEEDS, *({"value": str(s), "label": f"seed {s}"} for s in sorted(outputs["seed"].unique()))]
    controls = [
        Control("metric", "Metric", metric_names[0], metric_options(metric_names, rows), "metric"),
        Control("task", "Task", tasks[0], [{"value": t, "label": t} for t in tasks], "task"),
        Control(
            "length",
            "Target length",
            str(length),
            [{"value": ALL, "label": "every length"}]
            + [{"value": str(g), "label": f"{g} digit" + "s" * (g > 1)} for g in groups],
            "group",
        ),
        Control("items", "Test prompts", FULL, _test_set_options(outputs, test_sets), "items"),
        Control("run", "Training seeds", run, runs, "run"),
        Control(
            "models",
            "Models shown",
            ALL,
            [
                {"value": ALL, "label": f"all {outputs['n_params'].n_unique()}"},
                {"value": "four", "label": "four, as the paper had"},
            ],
        ),
        AXIS,
        INTERVALS,
    ]
    start = rows.filter(
        (pl.col("task") == tasks[0])
        & (pl.col("group") == length)
        & (pl.col("items") == FULL)
        & (pl.col("run") == run)
    )
    return Explorer(
        name=name,
        figure=_two_metrics(
            start,
            metric_names[:2],
            f"{tasks[0]}, targets of {length} digits, " + ("mean over seeds" if run == "mean" else f"seed {run}"),
        ),
        controls=controls,
        rows=rows,
        group={"field": "group", "title": "Target length", "values": groups},
    )


ALL_SEEDS = {"value": "mean", "label": "mean of all"}


def _test_set_options(outputs: pl.DataFrame, test_sets: tuple[int, ...]) -> list[dict]:
    most = outputs.group_by("task", "group").agg(pl.col("prompt_id").n_unique())["prompt_id"].max()
    return [{"value": str(n or FULL), "label": str(n) if n else f"all {most}"} for n in test_sets]


def _two_metrics(rows: pl.DataFrame, names: list[str], what: str) -> Figure:
    """The static face of an explorer: the same outputs under its first metrics, side by side."""
    said, sizes = [], rows["n_params"].unique().to_list()
    with theme.style():
        drawing, axes = plt.subplots(1, len(names), figsize=(3.4 * len(names), 2.9), squeeze=False)
        for axis, name in zip(axes[0], names, strict=True):
            metric = metrics.get(name)
            sign = -1 if metric.better == "lower" else 1
            curve = rows.filter(pl.col("metric") == name).sort("n_params")
            colour, _ = theme.METRIC_LOOK.get(name, ("accent", "o"))
            figures.line(axis, curve, colour, names.index(name), sign=sign)
            figures.size_axis(axis, sizes)
            axis.set_title(("minus " if sign < 0 else "") + metric.label.lower(), loc="left")
            axis.set_ylabel(("− " if sign < 0 else "") + metric.label)
            said.append(
                f"{metric.label} goes from {curve['estimate'][0]:.3g} for the smallest model "
                f"({theme.in_words(curve['n_params'].min())} parameters) to {curve['estimate'][-1]:.3g} for the "
                f"largest ({theme.in_words(curve['n_params'].max())})"
            )
    alt = f"The same answers ({what}) under {len(names)} metrics. " + ". ".join(said) + "."
    caption = (
        f"The same answers, {what}, under {len(names)} metrics; bands are 95 % intervals, "
        f"{theme.span(rows['n'])} outputs a model. With scripts on, the controls change metric, "
        "task, target length, test-set size and more."
    )
    columns = ["n_params", "metric", "estimate", "low", "high", "n"]
    return Figure(drawing, alt, caption, rows.filter(pl.col("metric").is_in(names)).select(columns))


PANEL_TITLES = {
    "loss": "cross-entropy, nats a token",
    "probability": "probability of the right token",
    "accuracy": "accuracy on L tokens",
    "distance": "wrong tokens out of L",
    "grade": "multiple choice grade",
    "brier": "Brier score of the right choice",
}


def model_explorer() -> Explorer:
    """Let the reader turn the constants of the mathematical model (Fig. 2) and watch each panel.

    >>> model_explorer().model
    'theory'
    """
    lower = {"loss", "distance", "brier"}
    options = [
        {
            "value": name,
            "label": label,
            "sign": -1 if name in lower else 1,
            "log_sign": 1,
            "title": ("minus " if name in lower else "") + label,
            **({} if name in {"loss", "distance"} else {"domain": [-1, 0] if name == "brier" else [0, 1]}),
        }
        for name, label in PANEL_TITLES.items()
    ]
    samples = [{"value": "paper", "label": "the paper's four"}] + [
        {"value": str(k), "label": f"{k}, evenly spread"} for k in (5, 9, 33)
    ]
    controls = [
        Control("metric", "Metric", "accuracy", options, "metric"),
        Control("length", "Target length L", 5, least=1, most=20, step=1),
        Control("alpha", "Exponent α", -0.5, least=-1, most=-0.1, step=0.05),
        Control("c", "log₁₀ of c (parameters)", 9.3, least=8, most=11, step=0.1),
        Control("choices", "Number of choices", 2, least=2, most=10, step=1),
        Control("sizes", "Models sampled", "paper", samples),
        AXIS,
    ]
    sizes = np.logspace(8.3, 11.6, 60)
    p = theory.token_probability(sizes)
    four = theory.token_probability(theory.SIZES)
    panels = {"accuracy": (theory.accuracy(p), theory.accuracy(four)), "distance": (-theory.edit_distance(p), -theory.edit_distance(four))}
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(6.8, 2.9))
        for axis, (name, (values, points)), colour in zip(axes, panels.items(), ("orange", "blue"), strict=True):
            axis.plot(sizes, values, color=theme.light(colour))
            axis.plot(theory.SIZES, points, color=theme.light(colour), marker="o", linestyle="none")
            figures.size_axis(axis, sizes)
            axis.set_ylabel(("− " if name in lower else "") + PANEL_TITLES[name])
    alt = (
        f"Two curves from one power law. Accuracy on {theory.LENGTH} tokens stays near zero, then climbs from "
        f"{theory.accuracy(four)[1]:.3f} at 1.3 billion to {theory.accuracy(four)[3]:.2f} at 200 billion "
        f"parameters; minus the number of wrong tokens rises steadily from {-theory.edit_distance(four)[0]:.2f} to "
        f"{-theory.edit_distance(four)[3]:.2f}."
    )
    caption = (
        "One power law, two metrics (counterpart of Fig. 2C and 2E). With scripts on, the controls change the "
        "law, the target, the number of choices and which models are sampled."
    )
    return Explorer(
        name="model",
        figure=Figure(drawing, alt, caption, theory.figure2()),
        controls=controls,
        rows=pl.DataFrame(),
        group={"field": "group", "title": "Family", "values": ["model"]},
        model="theory",
    )


def test_set_explorer(seed: int = 0) -> Explorer:
    """Let the reader choose how many test items the mathematical model is tried on.

    One draw of right and wrong answers a model and test-set size, so what shows is what a single
    evaluation would have shown.

    >>> test_set_explorer().rows["items"].n_unique()
    6
    """
    sizes = np.logspace(8, 11.5, 15)
    rng = np.random.default_rng(seed)
    rows = []
    for length in (1, 2, 3, 4, 5):
        truth = theory.accuracy(theory.token_probability(sizes), length)
        for n in (30, 100, 1000, 10_000, 100_000, 1_000_000):
            for size, share in zip(sizes, truth, strict=True):
                right = int(rng.binomial(n, share))
                low, high = curves.wilson(right, n)
                rows.append((str(length), str(n), round(size), right / n, low, high, n, float(share)))
    frame = pl.DataFrame(
        rows, schema=["group", "items", "n_params", "estimate", "low", "high", "n", "truth"], orient="row"
    )
    numbers = sorted({int(n) for n in frame["items"]})
    controls = [
        Control("items", "Test items", "100", [{"value": str(n), "label": f"{n:,}"} for n in numbers], "items"),
        Control(
            "length", "Target length", "5", [{"value": str(k), "label": str(k)} for k in range(1, 6)], "group"
        ),
        Control("axis", "Vertical axis", "log", AXIS.options),
        INTERVALS,
    ]
    return Explorer(
        name="test-set",
        figure=_resolution_figure(frame.filter(pl.col("group") == "5")),
        controls=controls,
        rows=frame.drop("truth"),
        group={"field": "group", "title": "Target length", "values": [str(k) for k in range(1, 6)]},
        metric={"label": "Accuracy", "title": "accuracy", "sign": 1, "log_sign": 1, "domain": [0, 1]},
    )


def _resolution_figure(rows: pl.DataFrame) -> Figure:
    """The same models tried on few and on many items; unseen accuracies as arrows from their bound."""
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(6.8, 2.9), sharey=True)
        for axis, n in zip(axes, ("100", "1000000"), strict=True):
            part = rows.filter(pl.col("items") == n)
            seen = part.filter(pl.col("estimate") > 0)
            none = part.filter(pl.col("estimate") == 0)
            axis.plot(part["n_params"], part["truth"], color=theme.light("faint"), linestyle="--", label="truth")
            edges = np.abs(np.stack([seen["estimate"] - seen["low"], seen["high"] - seen["estimate"]]))
            axis.errorbar(
                seen["n_params"], seen["estimate"], edges, color=theme.light("orange"), marker="o", linestyle="none",
                label="measured",
            )
            axis.plot(
                none["n_params"], none["high"], color=theme.light("blue"), marker="v", linestyle="none",
                markerfacecolor="none", label="none right: upper bound",
            )
            axis.set_yscale("log")
            axis.set_ylim(1e-10, 2)
            axis.set_title(f"{int(n):,} test items", loc="left")
            figures.size_axis(axis, rows["n_params"].to_list())
        axes[0].set_ylabel("Accuracy on 5 tokens (log scale)")
        axes[1].legend(loc="lower right")
    few, many = (rows.filter((pl.col("items") == n) & (pl.col("estimate") == 0)).height for n in ("100", "1000000"))
    models = rows["n_params"].n_unique()
    alt = (
        f"Accuracy of {models} simulated models on a log axis. With 100 test items {few} of them get none right, and "
        f"only an upper bound is known; with a million items {many} do, and the measured values follow the true curve."
    )
    caption = (
        "One draw of the same models on 100 and on a million items. Hollow marks: none right, the mark is the "
        "upper end of the interval. With scripts on, the controls choose the number of items."
    )
    table = rows.filter(pl.col("items").is_in(["100", "1000000"])).drop("group", "items")
    return Figure(drawing, alt, caption, table)


FIGURE2_TITLES = {
    "A_ce": "A: cross-entropy, nats",
    "B_prob": "B: probability of a token",
    "C_accuracy_L5": "C: accuracy, 5 tokens",
    "D_mcg_2choices": "D: choice grade, 2 choices",
    "E_neg_incorrect_tokens_L5": "E: − wrong tokens of 5",
    "F_neg_brier_2choices": "F: − Brier score",
}


def figure2() -> Figure:
    """Draw the six panels of Fig. 2 recomputed, with the digitised points on top.

    >>> figure2().table.height
    24
    """
    here, there = theory.figure2(), curves.published("fig2").rename({"params": "n_params"})
    fine = theory.figure2(np.logspace(8.4, 11.4, 200))
    looks = (
        (fine, {"linestyle": ":", "color": theme.light("faint")}),
        (here, {"marker": "o", "color": theme.light("blue")}),
        (there, {"marker": "x", "markersize": 9, "linestyle": "none", "color": theme.light("orange")}),
    )
    with theme.style():
        drawing, axes = plt.subplots(2, 3, figsize=(7.2, 4.6))
        for axis, (panel, title) in zip(axes.flat, FIGURE2_TITLES.items(), strict=True):
            for frame, look in looks:
                part = frame.filter(pl.col("panel") == panel)
                axis.plot(part["n_params"], part["value"], **look)
            axis.set_title(title, loc="left")
            figures.size_axis(axis, theory.SIZES, "Parameters" if axis in axes[1] else "")
    value = {(row["panel"], row["n_params"]): row["value"] for row in here.iter_rows(named=True)}
    accuracy = [value["C_accuracy_L5", n] for n in theory.SIZES]
    alt = (
        f"Six panels over four model sizes. Loss falls from {value['A_ce', theory.SIZES[0]]:.2f} to "
        f"{value['A_ce', theory.SIZES[3]]:.2f} nats. Accuracy on five tokens stays below {accuracy[2]:.2f} up to "
        f"6.7 billion parameters and reaches {accuracy[3]:.2f} at 200 billion. Choice grade jumps from 0.5 to 1. "
        "Wrong tokens and Brier score improve steadily. The digitised points lie on ours."
    )
    caption = (
        "Fig. 2 recomputed (dots) and the points digitised from the paper (crosses). Dotted: the same law at "
        "200 sizes."
    )
    table = here.join(there.rename({"value": "digitised"}), on=["panel", "n_params"], how="inner")
    return Figure(drawing, alt, caption, table)
