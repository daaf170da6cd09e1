"""Section 5 as a whole: does it work for convolutional, fully connected and self-attention networks?

The rule joins three rows of the ledger that were judged before, and looks at nothing else.
"""

from __future__ import annotations

from mirage_lib.claims import autoencoder, registry, transformer, vision
from mirage_lib.claims.registry import Verdict

SHARP = {
    "convolutional": vision.lenet_subset_sharp,
    "fully connected": autoencoder.autoencoder_threshold_sharp,
    "self-attention": transformer.transformer_all_correct_sharp,
}
"""The test of the sharp curve of each architecture."""


@registry.test
def three_architectures() -> Verdict:
    verdicts = {name: test().verdict for name, test in SHARP.items()}
    found = set(verdicts.values())
    verdict = found.pop() if len(found) == 1 else "partly"
    each = "; ".join(f"{name}: {one}" for name, one in verdicts.items())
    return Verdict(
        verdict,
        f"Rows upheld: {list(verdicts.values()).count('upheld')} of {len(verdicts)}. {each[0].upper()}{each[1:]}. Each row is judged by the paper's own score against "
        "smooth curves with the same noise, not by eye.",
    )
