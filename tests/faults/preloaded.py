"""Preloaded: what commands import late, once for all processes that are forked; nothing else imports this."""

# ruff: noqa: F401
import contextlib

import matplotlib.pyplot
from mirage_lib.audit import findings, report
from tests.faults import commands

with contextlib.suppress(ImportError):
    import joblib
    import safetensors.torch
    import sklearn.datasets
    import torch._dynamo  # what an optimiser imports when it is made
    from transformers import LlamaForCausalLM

    from mirage_lib.arithmetic import answers, ladder
    from mirage_lib.vision import families
with contextlib.suppress(ImportError):
    import pooch
    import requests
