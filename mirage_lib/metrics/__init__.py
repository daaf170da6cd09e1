"""Metrics: how an output becomes a number.

One registry holds them all; they are defined by what they read: text, choices, pictures. The way to add one
is in :mod:`mirage_lib.metrics.registry`.
"""

from mirage_lib.metrics.registry import SHAPES, Metric, forget, get, metric, names, usable
from mirage_lib.metrics.text import (
    bleu, exact_match, per_token_accuracy, rouge_l_sum, target_log_probability, token_edit_distance,
)  # fmt: skip
from mirage_lib.metrics.choice import brier_binary, brier_multiclass, multiple_choice_grade  # isort: skip
from mirage_lib.metrics.vision import (
    first_all_correct, picture_accuracy, reconstruction_within, sequence_accuracy, squared_error,
)  # fmt: skip

__all__ = [
    "SHAPES", "Metric", "bleu", "brier_binary", "brier_multiclass", "exact_match", "first_all_correct", "forget", "get",
    "metric", "multiple_choice_grade", "names", "per_token_accuracy", "picture_accuracy", "reconstruction_within",
    "rouge_l_sum", "sequence_accuracy", "squared_error", "target_log_probability", "token_edit_distance", "usable",
]  # fmt: skip
