"""Our questions to one recipe at many sizes: which metric moves first, and does it foretell?"""

from __future__ import annotations

from mirage_lib.analyses import recipes
from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict


@registry.test
def recipe_bits_move_first() -> Verdict:
    wins, n, p = recipes.onset_order("bits_per_byte", "accuracy")
    verdict = "upheld" if p < 0.05 and 2 * wins > n else "partly" if 2 * wins > n else "not upheld"
    other, m, q = recipes.onset_order("target_probability", "accuracy")
    again, k, _ = recipes.onset_order("bits_per_byte", "accuracy", "scatter")
    less, j, r = recipes.onset_order("target_probability", "accuracy", "scatter")
    return Verdict(
        verdict,
        f"Bits per byte leaves its first level at less compute than accuracy in {wins} of {n} OLMo task splits that differ (sign test "
        f"p = {p:.2g}), the probability of the right choice in {other} of {m} (p = {q:.2g}). With the scatter between runs for noise: "
        f"{again} of {k}, and {less} of {j} (p = {r:.2g}). Splits of one benchmark are not independent.",
    )


@registry.test
def recipe_bits_foretell() -> Verdict:
    wins, n, p = recipes.compared("two steps", "direct")
    verdict = "upheld" if p < 0.05 and 2 * wins > n else "not upheld"
    naive, _, q = recipes.compared("two steps", "naive")
    return Verdict(
        verdict,
        f"For the accuracy of 7B and 13B, going through bits per byte errs less than fitting accuracy itself on {wins} of {n} task splits "
        f"(sign test p = {p:.2g}); less than the naive forecast on {naive} (p = {q:.2g}).",
    )
