"""Annotations: which tasks were called emergent by eye, which metric each prefers, and what the metrics are.

The eye is Jason Wei's: with Wei et al. (2022) he sorted BIG-Bench's tasks by the look of their curves. The
metrics come from the task files. From both, Fig. 5B and 5C of the paper can be counted again.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import polars as pl

from mirage_lib import outputs

CHOICE, EXACT, AGGREGATE = "multiple_choice_grade", "exact_str_match", "normalized_aggregate_score"
TWO = (CHOICE, EXACT)
"""The two metrics of the paper's headline."""
PROGRAMMATIC = "not in the task files"
"""Stands for the metric of a task that is a program: its own code names it, and no task file does."""
MIXED = "mixed"
"""Stands for the metric of a parent task whose subtasks prefer several equally often."""
CATEGORIES = ("emergent", "flat", "smooth", "other")
PUBLISHED_PIE = {CHOICE: 51, EXACT: 11, AGGREGATE: 3, "bleu": 2}
"""Fig. 5C as published: the preferred metrics of the 67 tasks called emergent."""
PUBLISHED_METRICS = 39
"""Preferred metrics on the axis of Fig. 5A, as published."""
READ_OFF = ("bleu", EXACT, CHOICE, AGGREGATE, "rougeLsum")
"""The five metrics with outliers in Fig. 5A, as we read the drawing; the text says "at most 5" and names three."""
SHAPES = ("linear", "nonlinear", "discontinuous", "depends")
PREFERRED = Path(__file__).parent / "preferred_metrics.toml"


@cache
def annotated() -> pl.DataFrame:
    """List all annotated tasks with the metric that each prefers.

    A task's metric is the one that its own file prefers (rule "own"). A parent task has none; it takes its
    subtasks' (rule "subtasks"), where they differ the commonest, on a tie :data:`MIXED` (rule "commonest of
    subtasks"). A task without a file is a program (rule :data:`PROGRAMMATIC`).

    Returns
    -------
    Frame with ``task, category`` (one of :data:`CATEGORIES`)``, first_emergent_model, rule, metric, metrics,
    subtasks, share_two, two``: ``metrics`` are all preferred ones, ``subtasks`` the number of subtasks,
    ``share_two`` the share of them (or of the task itself) that prefers one of :data:`TWO`, null for a program,
    and ``two`` tells whether that is more than half.

    >>> table = annotated()
    >>> table.height, table.filter(pl.col("category") == "emergent").height
    (197, 67)
    """
    files = outputs.load_table("bigbench-metrics")
    own = files.filter("is_task").select("task", own="preferred_metric")
    below = (
        files.filter(~pl.col("is_task"))
        .group_by(pl.col("task").str.split("/").list.first(), "preferred_metric")
        .agg(n=pl.len())
        .sort("task", "n", "preferred_metric", descending=[False, True, False])
        .group_by("task", maintain_order=True)
        .agg(
            below="preferred_metric",
            subtasks=pl.col("n").sum(),
            tie=(pl.col("n") == pl.col("n").max()).sum() > 1,
            within=pl.col("n").filter(pl.col("preferred_metric").is_in(TWO)).sum() / pl.col("n").sum(),
        )
    )
    table = outputs.load_table("wei-list").join(own, on="task", how="left", coalesce=True, maintain_order="left")
    table = table.join(below, on="task", how="left", maintain_order="left")
    known = table["task"].is_in(own["task"].to_list())
    rule = (
        pl.when(~known).then(pl.lit(PROGRAMMATIC))
        .when(pl.col("own").is_not_null()).then(pl.lit("own"))
        .when(pl.col("below").list.len() == 1).then(pl.lit("subtasks"))
        .otherwise(pl.lit("commonest of subtasks"))
    )  # fmt: skip
    commonest = pl.when("tie").then(pl.lit(MIXED)).otherwise(pl.col("below").list.first())
    metric = pl.coalesce("own", commonest, pl.lit(PROGRAMMATIC))
    share = pl.when(pl.col("own").is_null()).then("within").otherwise(pl.col("own").is_in(TWO).cast(pl.Float64))
    return table.select(
        "task",
        category=pl.col("category").str.replace(r"\(.*", ""),
        first_emergent_model="first_emergent_model",
        rule=rule,
        metric=metric,
        metrics=pl.when(pl.col("own").is_null()).then("below").otherwise(pl.concat_list("own")),
        subtasks=pl.col("subtasks").fill_null(0).cast(pl.Int64),
        share_two=share,
        two=share.fill_null(0.0) > 0.5,
    )


def emergent() -> pl.DataFrame:
    """Return the rows of :func:`annotated` that were called emergent.

    >>> emergent()["first_emergent_model"].n_unique()
    6
    """
    return annotated().filter(pl.col("category") == "emergent")


def pie() -> pl.DataFrame:
    """Count the metrics of the emergent tasks: ours from the task files, and Fig. 5C as published.

    Returns
    -------
    Frame with ``metric, ours, published``, the commonest first.

    >>> pie().row(0)
    ('multiple_choice_grade', 51, 51)
    """
    ours = emergent().group_by("metric").agg(ours=pl.len().cast(pl.Int64))
    theirs = pl.DataFrame({"metric": list(PUBLISHED_PIE), "published": list(PUBLISHED_PIE.values())})
    both = ours.join(theirs, on="metric", how="full", coalesce=True).fill_null(0)
    return both.sort("published", "ours", "metric", descending=[True, True, False])


def reconciled() -> pl.DataFrame:
    """Turn our counts into the published ones: programs, and one disputed task, go to the aggregate.

    BIG-bench reports a normalised aggregate for every task with several scores. Programs without a metric in
    the files can only be among the three that Fig. 5C counts there. One task more is needed, and it has to
    come from exact match: see :func:`disputed`. That it is that task is inferred, not published.

    Returns
    -------
    Frame with ``metric, ours, published``, equal in both columns where the inference is right.

    >>> reconciled()["ours"].to_list() == reconciled()["published"].to_list()
    True
    """
    moved = pl.col("metric") == PROGRAMMATIC
    moved |= pl.col("task").is_in(disputed()["task"].to_list())
    table = emergent().with_columns(metric=pl.when(moved).then(pl.lit(AGGREGATE)).otherwise("metric"))
    ours = table.group_by("metric").agg(ours=pl.len().cast(pl.Int64))
    return pie().drop("ours").join(ours, on="metric").select("metric", "ours", "published")


def disputed() -> pl.DataFrame:
    """Find the emergent tasks that can be the one exact-match task which Fig. 5C counts elsewhere.

    Only a parent has a normalised aggregate over subtasks; so it is a parent whose subtasks prefer exact match.

    >>> disputed()["task"].to_list()
    ['modified_arithmetic']
    """
    return emergent().filter((pl.col("metric") == EXACT) & (pl.col("rule") != "own"))


@cache
def metrics() -> pl.DataFrame:
    """List the 39 preferred metrics of Fig. 5A, classified, with how often each is used.

    The classes are ours; see the head of ``preferred_metrics.toml`` for what they mean.

    Returns
    -------
    Frame with ``metric, shape`` (one of :data:`SHAPES`)``, zero_one`` (an item is right or wrong; null where not
    known)``, better`` ("higher", or null where not known)``, basis`` ("task files", "description" or "name": what the
    class rests on)``, why, tasks`` (JSON tasks that prefer it themselves)``, parents`` (JSON tasks that take it from
    their subtasks)``, subtasks, emergent`` (of the 67, by the rule of :func:`annotated`)``, fig5b, fig5a``: whether
    the paper's annotation count, and our reading of its outliers, has it.

    Raises
    ------
    ValueError
        If an entry has an unknown shape or basis.

    >>> metrics().filter("fig5b")["metric"].to_list()
    ['bleu', 'exact_str_match', 'multiple_choice_grade', 'normalized_aggregate_score']
    """
    entries = tomllib.loads(PREFERRED.read_text())
    for name, entry in entries.items():
        if entry["shape"] not in SHAPES or entry["basis"] not in ("task files", "description", "name"):
            raise ValueError(f"metric {name!r}: shape {entry['shape']!r} or basis {entry['basis']!r} is unknown; see {PREFERRED.name}")
    columns = ("shape", "zero_one", "better", "basis", "why")
    rows = [(name, *(entry.get(column) for column in columns)) for name, entry in entries.items()]
    table = pl.DataFrame(rows, schema=["metric", *columns], orient="row", infer_schema_length=None)
    for name, used in uses().items():
        table = table.join(used.rename({"n": name}), on="metric", how="left", maintain_order="left")
    return table.with_columns(
        pl.col("tasks", "parents", "subtasks", "emergent").fill_null(0),
        fig5b=pl.col("metric").is_in(list(PUBLISHED_PIE)),
        fig5a=pl.col("metric").is_in(READ_OFF),
    )


def uses() -> dict[str, pl.DataFrame]:
    """Count each metric over JSON tasks, parents (by their subtasks), subtasks, and emergent tasks.

    >>> uses()["tasks"].filter(pl.col("metric") == CHOICE)["n"].item()
    95
    """
    files = outputs.load_table("bigbench-metrics").rename({"preferred_metric": "metric"})
    parents = files.filter(~pl.col("is_task")).with_columns(parent=pl.col("task").str.split("/").list.first())
    counted = {
        "tasks": files.filter(pl.col("is_task") & pl.col("metric").is_not_null()),
        "parents": parents.unique(["parent", "metric"]),
        "subtasks": parents,
        "emergent": emergent(),
    }
    return {name: part.group_by("metric").agg(n=pl.len().cast(pl.Int64)) for name, part in counted.items()}
