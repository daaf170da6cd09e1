"""Serving: a trained rung as a folder that language-model servers load, so that it is asked like any other.

A rung's own folder holds its weights and how it was trained. A server wants more: the architecture
(``config.json``), how to end an answer (``generation_config.json``) and a tokenizer. Ours knows one
token a character: the 96 characters of :mod:`ladder` (the newline, then printable ASCII) with the
numbers that training used, and ``<pad>``. The newline ends an answer. For the prompt
``2+2=`` and the answer ``4``::

    2 -> 19    + -> 12    2 -> 19    = -> 30    |    4 -> 21    newline -> 0, and the server stops

``transformers serve`` and vLLM read such folders.
"""

from __future__ import annotations

import json
from pathlib import Path

from mirage_lib.arithmetic import ladder

PADDING = "<pad>"


def tokenizer():
    """Make the tokenizer of the ladder: a ``transformers.PreTrainedTokenizerFast``, a character a token.

    A character that training never had a number for raises an error instead of becoming a blank.

    >>> characters = tokenizer()
    >>> characters("2+2=")["input_ids"]
    [19, 12, 19, 30]
    >>> characters.decode([19, 12, 19, 30, 21])
    '2+2=4'
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    numbers = {character: number for number, character in enumerate(ladder.CHARACTERS)}
    characters = Tokenizer(models.WordLevel(numbers | {PADDING: ladder.PAD}))
    characters.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    characters.decoder = decoders.Fuse()  # without it, decoding puts a space between any two tokens
    return PreTrainedTokenizerFast(
        tokenizer_object=characters,
        pad_token=PADDING,
        eos_token="\n",
        clean_up_tokenization_spaces=False,
        model_max_length=128,
    )


def export(rung: str | Path, into: str | Path) -> Path:
    """Write a trained rung as a folder that ``transformers serve`` and vLLM can load.

    Parameters
    ----------
    rung : path
        The folder of a finished rung, as :func:`ladder.train` returns it.
    into : path
        The folder to write; its name is the model's name on the server.

    Returns
    -------
    The written folder: ``config.json, generation_config.json, tokenizer.json, tokenizer_config.json``
    and ``model.safetensors``.

    Raises
    ------
    FileNotFoundError
        If the rung is not finished; the message says how to go on.

    >>> export("runs/no-such-rung", "served/no-such-rung")
    Traceback (most recent call last):
    ...
    FileNotFoundError: runs/no-such-rung holds no finished rung: run 'mirage arithmetic train' first, or again
    """
    from safetensors.torch import load_file

    rung, into = Path(rung), Path(into)
    weights = rung / "model.safetensors"
    if not weights.exists():
        raise FileNotFoundError(
            f"{rung.as_posix()} holds no finished rung: run 'mirage arithmetic train' first, or again"
        )
    settings = json.loads((rung / "settings.json").read_text())
    model = ladder.build(settings["width"], settings["seed"])
    model.load_state_dict(load_file(weights), strict=False)  # the output layer is the input's, and not in it
    model.generation_config.do_sample = False
    model.save_pretrained(into)
    tokenizer().save_pretrained(into)
    _name_the_class(into / "tokenizer_config.json")
    return into


def _name_the_class(path: Path) -> None:
    """Name the tokenizer's class so that servers on transformers 4 find it, too."""
    config = json.loads(path.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    path.write_text(json.dumps(config, indent=2) + "\n")
