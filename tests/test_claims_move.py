"""Verdicts are computed: other numbers in the frozen files give other verdicts, or at least other reasons."""

import pytest

from mirage_lib import claims
from tests import altered

ALTERATIONS = {"upside down": altered.upside_down, "as in the model": altered.as_in_the_model}
SIMULATED = "simulated with the paper's own model when it is judged; no frozen file is read"
STATEMENT = "a statement that no run can test; what is said of it is fixed"
WITHOUT_DATA = {
    "emergence-defined": "a definition",
    **dict.fromkeys(("vision-new", "not-all-emergence-denied", "metric-is-a-choice"), STATEMENT),
    **dict.fromkeys((
        "three-causes", "resolution-floor", "brier-proper", "distance-resolution", "expected-distance", "expected-accuracy", "rouge-sharp", "bleu-sharp",
        "weak-distance-formula", "weak-log-detour", "weak-identical-items",
    ), SIMULATED),
    "metrics-nonlinear": "our classification of the 39 metrics, which stands in the code",
    **dict.fromkeys(("simulations-are-exact-match", "weak-exact-match-figures"), "two points that were read off a figure and stand in the code, and simulations"),
}  # fmt: skip
PULLING = "it has several conditions or sources, and each copy meets some and misses others: the counts in its reason move"
SAME_VERDICT = {
    **dict.fromkeys((
        "more-data-above-chance", "arithmetic-distance-smooth", "smooth-means-predictable", "length-geometric", "lenet-subset-sharp",
        "transformer-all-correct-sharp", "three-architectures",
    ), PULLING),
    "autoencoder-like-periodic-elements": "published curve and ours are altered alike, so which is nearer to which stays; the distances move",
    **dict.fromkeys(("score-reliable", "recipe-bits-foretell", "metrics-not-tasks"),
                    "not upheld by a wide margin, and no worse verdict is left; the shares and counts move"),
    "metrics-few-5-of-39": "by its rule it cannot be tested without the full table; what is counted in the embedded records moves",
    "weak-triplet-count": "the product of three published numbers; the count in the task files moves, far below the limit",
    "weak-axis-and-subsets": "the axis is wrong by a factor of a thousand million; the powers move",
    "weak-no-forecast": "a line misses on the altered curves, too; by how much moves",
    "weak-captions": "read, not computed; only the sizes beside it are",
}  # fmt: skip
"""Rows whose verdict is the same on both copies, and why; their reasons move."""
ROWS = [one.id for one in claims.ledger()]


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> dict[str, dict[str, tuple[str, str]]]:
    """The ledger on each altered copy of the frozen files."""
    return {name: altered.judged(tmp_path_factory.mktemp("altered"), change) for name, change in ALTERATIONS.items()}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_something_else_on_other_numbers_unless_it_reads_none(judged, row):
    now = claims.get(row).judge()
    moved = [found[row] for found in judged.values() if found[row][0] != altered.REFUSED]
    assert moved, "its test refuses both altered copies"
    if row in WITHOUT_DATA:
        assert all(found == tuple(now) for found in moved), f"{row} has data: take it off the list"
    else:
        assert any(found != tuple(now) for found in moved), f"{row} says the same whatever the files hold"


@pytest.mark.parametrize("row", [row for row in ROWS if row not in WITHOUT_DATA])
def test_a_verdict_changes_with_the_numbers_unless_it_is_told_why_not(judged, row):
    now = claims.get(row).judge().verdict
    changed = any(found[row][0] not in (now, altered.REFUSED) for found in judged.values())
    assert changed or row in SAME_VERDICT, f"{row} is {now} on every copy"
