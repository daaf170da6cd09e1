"""Base rates: how common two metrics are among emergent tasks, and how common they are anyway.

"92 % of the emergent tasks use two metrics" is one column of a table with two. Here is the other one, with
the exact test, the odds ratio and every reasonable way to count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import stats

from mirage_lib import curves
from mirage_lib.bigbench import annotations as marks
from mirage_lib.bigbench.annotations import CHOICE, EXACT, PROGRAMMATIC

EVERY = ("all of the subtasks", "any of the subtasks")
RULES = {
    "JSON tasks": "tasks with a file; a parent counts where more than half of its subtasks prefer one of the two",
    "programs as other": "all tasks; a program counts as using some other metric",
    "programs as one of the two": "all tasks; a program counts as using one of the two",
    EVERY[0]: "tasks with a file; a parent counts where all of its subtasks prefer one of the two",
    EVERY[1]: "tasks with a file; a parent counts where any of its subtasks prefers one of the two",
    "against flat": "tasks with a file; the others are those called flat",
    "against smooth": "tasks with a file; the others are those called smoothly increasing",
    "against the rest": "tasks with a file; the others are those neither flat nor smooth",
    "without the inferred row": "tasks with a file; PaLM 540B's tasks, which were found by subtraction, left out",
    "multiple choice alone": "tasks with a file; multiple choice grade against all other metrics",
    "without multiple choice": "tasks with a file that do not prefer multiple choice grade: exact match against all other metrics",
}
"""Ways to count, each with what it does. The first is the main one."""
MAIN = "JSON tasks"
INFERRED = "PaLM 540B"
"""Its row of the annotations was inferred: Wei et al.'s appendix less two rows of the list."""


@dataclass(frozen=True)
class Contrast:
    """A table of two by two: emergent or not, one of the two metrics or not.

    >>> Contrast(3, 4, 2, 4).ratio
    3.0
    """

    yes: int
    emergent: int
    other_yes: int
    others: int

    def __post_init__(self) -> None:
        for part, whole in ((self.yes, self.emergent), (self.other_yes, self.others)):
            if not 0 <= part <= whole or whole == 0:
                raise ValueError(f"{part} of {whole} is no share: give counts with 0 <= part <= whole and whole > 0")

    @property
    def cells(self) -> list[list[int]]:
        """Emergent tasks with and without, then the others with and without."""
        return [[self.yes, self.emergent - self.yes], [self.other_yes, self.others - self.other_yes]]

    @property
    def ratio(self) -> float:
        """Sample odds ratio; infinite where every emergent task has one of the two."""
        (a, b), (c, d) = self.cells
        return a * d / (b * c) if b * c else float("inf")

    @property
    def likelihood_ratio(self) -> float:
        """Share among the emergent over share among the others: what seeing the metric does to the odds."""
        return (self.yes / self.emergent) / (self.other_yes / self.others) if self.other_yes else float("inf")

    def fisher(self, alternative: str = "greater") -> float:
        """Fisher's exact p: how often chance alone, with these margins, gives as much or more.

        >>> round(Contrast(3, 4, 1, 4).fisher(), 4)
        0.2429
        """
        return float(stats.fisher_exact(self.cells, alternative=alternative).pvalue)

    def odds(self, level: float = 0.95) -> tuple[float, float, float]:
        """Conditional odds ratio (most likely value) with its exact two-sided interval.

        >>> [round(x, 2) for x in Contrast(3, 4, 1, 4).odds()]
        [6.41, 0.21, 626.24]
        """
        found = stats.contingency.odds_ratio(self.cells, kind="conditional")
        low, high = found.confidence_interval(level)
        return float(found.statistic), float(low), float(high)

    def difference(self, level: float = 0.95) -> tuple[float, float, float]:
        """Difference of the two shares, with Newcombe's interval from two of Wilson's.

        Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.

        >>> [round(x, 3) for x in Contrast(56, 70, 48, 80).difference()]
        [0.2, 0.052, 0.334]
        """
        first, second = self.yes / self.emergent, self.other_yes / self.others
        l1, u1 = curves.wilson(self.yes, self.emergent, level)
        l2, u2 = curves.wilson(self.other_yes, self.others, level)
        gap = first - second
        return gap, gap - ((first - l1) ** 2 + (u2 - second) ** 2) ** 0.5, gap + ((u1 - first) ** 2 + (second - l2) ** 2) ** 0.5


def contrast(rule: str = MAIN) -> Contrast:
    """Count emergent and other tasks with one of the two metrics, by one of the :data:`RULES`.

    Raises
    ------
    ValueError
        If there is no such rule.

    >>> contrast()
    Contrast(yes=63, emergent=65, other_yes=81, others=96)
    """
    if rule not in RULES:
        raise ValueError(f"no rule is called {rule!r}: there are {', '.join(RULES)}")
    table, yes = marks.annotated(), pl.col("two")
    program = pl.col("rule") == PROGRAMMATIC
    if rule == "programs as one of the two":
        yes = yes | program
    elif rule != "programs as other":
        table = table.filter(~program)
    if rule in EVERY:
        yes = pl.col("share_two") == 1 if rule == EVERY[0] else pl.col("share_two") > 0
    if rule in ("against flat", "against smooth", "against the rest"):
        kept = {"against the rest": "other"}.get(rule, rule.removeprefix("against "))
        table = table.filter(pl.col("category").is_in(["emergent", kept]))
    if rule == "without the inferred row":
        table = table.filter(pl.col("first_emergent_model").is_null() | (pl.col("first_emergent_model") != INFERRED))
    if rule == "multiple choice alone":
        yes = pl.col("metric") == CHOICE
    if rule == "without multiple choice":
        table, yes = table.filter(pl.col("metric") != CHOICE), pl.col("metric") == EXACT
    counts = table.group_by(emergent=pl.col("category") == "emergent").agg(yes=yes.sum(), n=pl.len())
    n = {key: (yes, n) for key, yes, n in counts.iter_rows()}
    return Contrast(*map(int, n[True]), *map(int, n[False]))


def robustness() -> pl.DataFrame:
    """Count by every rule: shares with Wilson's intervals, odds ratio, p.

    Returns
    -------
    Frame with ``rule, means, yes, emergent, share, low, high, other_yes, others, other_share, other_low,
    other_high, odds_ratio, odds_low, odds_high, p`` (one-sided).

    >>> robustness().height == len(RULES)
    True
    """
    rows = []
    for rule, means in RULES.items():
        found = contrast(rule)
        ratio, low, high = found.odds()
        rows.append({
            "rule": rule, "means": means,
            "yes": found.yes, "emergent": found.emergent, **_share("", found.yes, found.emergent),
            "other_yes": found.other_yes, "others": found.others, **_share("other_", found.other_yes, found.others),
            "odds_ratio": ratio, "odds_low": low, "odds_high": high, "p": found.fisher(),
        })  # fmt: skip
    return pl.DataFrame(rows)


def _share(prefix: str, part: int, whole: int) -> dict[str, float]:
    low, high = curves.wilson(part, whole)
    return {f"{prefix}share": part / whole, f"{prefix}low": low, f"{prefix}high": high}


def no_evidence(found: Contrast, level: float = 0.05) -> pl.DataFrame:
    """Ask of every number among the others what it would have said, with the emergent tasks as they are.

    Returns
    -------
    Frame with ``other_yes, other_share, p, evidence``: one-sided p, and whether it lies below the level.

    >>> table = no_evidence(contrast())
    >>> table.filter("evidence")["other_yes"].max() > 81
    True
    """
    rows = []
    for k in range(found.others + 1):
        p = Contrast(found.yes, found.emergent, k, found.others).fisher()
        rows.append((k, k / found.others, p, p < level))
    return pl.DataFrame(rows, schema=["other_yes", "other_share", "p", "evidence"], orient="row")


def fragility(found: Contrast, level: float = 0.05) -> int:
    """Count the emergent tasks that would have to use another metric for the one-sided p to reach the level.

    >>> fragility(Contrast(5, 10, 5, 10))
    0
    """
    moved = 0
    while moved < found.yes and Contrast(found.yes - moved, found.emergent, found.other_yes, found.others).fisher() < level:
        moved += 1
    return moved


def predictive(rule: str = MAIN) -> pl.DataFrame:
    """Turn the table round: what share of the tasks with a metric was called emergent?

    Returns
    -------
    Frame with ``tasks`` ("one of the two", "another metric", "all")``, emergent, n, share, low, high``.

    >>> predictive()["emergent"].to_list()
    [63, 2, 65]
    """
    found = contrast(rule)
    (a, b), (c, d) = found.cells
    rows = [("one of the two", a, a + c), ("another metric", b, b + d), ("all", a + b, a + b + c + d)]
    return pl.DataFrame([{"tasks": name, "emergent": k, "n": n, **_share("", k, n)} for name, k, n in rows])


def by_metric() -> pl.DataFrame:
    """Share of tasks called emergent, metric by metric, programs apart.

    Returns
    -------
    Frame with ``metric, emergent, n, share, low, high``, the most used first.

    >>> by_metric()["metric"][0]
    'multiple_choice_grade'
    """
    counts = marks.annotated().group_by("metric").agg(
        emergent=(pl.col("category") == "emergent").sum().cast(pl.Int64), n=pl.len().cast(pl.Int64)
    )  # fmt: skip
    rows = [{**row, **_share("", row["emergent"], row["n"])} for row in counts.iter_rows(named=True)]
    return pl.DataFrame(rows).sort("n", "metric", descending=[True, False])


def metrics_by_chance(draws: int = 20_000, seed: int = 0) -> dict[str, float]:
    """Compare the number of metrics with an emergent task with what tasks drawn at random would give.

    Only tasks with a file and one metric. A metric that one task uses can hardly show emergence, whatever it
    measures: that is what this null takes account of.

    Returns
    -------
    ``metrics`` in use, ``seen`` with an emergent task, ``expected`` (exact mean), ``p``: share of draws with so few
    or fewer.

    >>> found = metrics_by_chance(draws=100)
    >>> found["metrics"], found["seen"]
    (7, 3)
    """
    table = by_metric().filter(~pl.col("metric").is_in([PROGRAMMATIC, marks.MIXED]))
    n, emergent = table["n"].to_numpy(), int(table["emergent"].sum())
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(n, emergent, size=draws)
    seen = int((table["emergent"] > 0).sum())
    none = stats.hypergeom(n.sum(), n, emergent).pmf(0)
    return {
        "metrics": len(n),
        "seen": seen,
        "expected": float((1 - none).sum()),
        "p": float(((drawn > 0).sum(axis=1) <= seen).mean()),
    }


def shapes(named: str = "fig5b") -> Contrast:
    """Contrast the metrics with emergence and the other preferred ones: how many are nonlinear or discontinuous?

    Parameters
    ----------
    named : "fig5b" or "fig5a"
        Which metrics show emergence: the four of the annotations, or the five that we read off Fig. 5A.

    >>> shapes().emergent + shapes().others
    39
    """
    table = marks.metrics().with_columns(bent=pl.col("shape").is_in(["nonlinear", "discontinuous"]))
    few, rest = table.filter(named), table.filter(~pl.col(named))
    return Contrast(int(few["bent"].sum()), few.height, int(rest["bent"].sum()), rest.height)


def expected() -> float:
    """Share of the emergent tasks that would use one of the two if they were drawn at random.

    Drawn from all annotated tasks with a file: what "92 %" would be without any link.

    >>> round(expected(), 3)
    0.894
    """
    found = contrast()
    return (found.yes + found.other_yes) / (found.emergent + found.others)
