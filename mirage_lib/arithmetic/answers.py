"""Answers: trained rungs are asked held-out problems, and everything they say becomes an outputs table.

Decoding is greedy (temperature 0). Beside the text of each answer stands the log-probability that the
rung gives to the right one, token by token, the newline that ends it not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
from tqdm import tqdm

from mirage_lib import outputs as tables
from mirage_lib import stamps
from mirage_lib.arithmetic import ladder
from mirage_lib.arithmetic.problems import OPERATIONS, held_out_prompts

LONGEST = 8
"""Characters after which an answer is cut off; the longest right answer has 5."""


def ask(model, prompts: pl.DataFrame) -> pl.DataFrame:
    """Ask one rung, and return the prompts with its answers.

    Parameters
    ----------
    model : transformers.LlamaForCausalLM
        A trained rung.
    prompts : frame
        With ``prompt`` and ``target``, as from :func:`problems.held_out_prompts`.

    Returns
    -------
    The same rows, with ``output, finish_reason, target_logprob, token_logprobs`` (natural logarithms).

    >>> from mirage_lib.arithmetic.problems import ADDITION
    >>> said = ask(ladder.build(4, seed=0).eval(), held_out_prompts(ADDITION, 1, 3))
    >>> said["token_logprobs"].list.len().to_list()
    [1, 1, 1]
    """
    rows = prompts.with_row_index("row").with_columns(
        prompt_length=pl.col("prompt").str.len_chars(), target_length=pl.col("target").str.len_chars()
    )
    parts = []
    # Prompts of one length need no padding, and so no mask that could go wrong.
    for batch in rows.partition_by("prompt_length", "target_length"):
        tokens = np.array([ladder.encode(prompt) for prompt in batch["prompt"]])
        targets = np.array([ladder.encode(target) for target in batch["target"]])
        said, stopped = _greedy(model, tokens)
        logprobs = _log_probabilities(model, tokens, targets).round(3)
        parts.append(
            batch.with_columns(
                output=pl.Series(said),
                finish_reason=pl.Series(np.where(stopped, "stop", "length")),
                target_logprob=pl.Series(logprobs.sum(axis=1), dtype=pl.Float32),
                token_logprobs=pl.Series(logprobs.tolist(), dtype=pl.List(pl.Float32)),
            )
        )
    return pl.concat(parts).sort("row").drop("row", "prompt_length", "target_length")


def _greedy(model, tokens: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The most probable next character, again and again, until a newline or ``LONGEST``."""
    import torch

    given = torch.from_numpy(tokens).to(model.device)
    with torch.no_grad():
        written = model.generate(
            given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=LONGEST,
            do_sample=False,
            pad_token_id=ladder.PAD,
        )
    written = written[:, tokens.shape[1] :].cpu().numpy()
    end = ladder.encode("\n")[0]
    stopped = (written == end).any(axis=1)
    texts = []
    for row, whole in zip(written, stopped, strict=True):
        row = row[: int(np.argmax(row == end))] if whole else row
        texts.append("".join(ladder.CHARACTERS[i] for i in row if i < ladder.PAD))
    return texts, stopped


def _log_probabilities(model, tokens: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Natural log-probability of each character of the right answer, given those before it."""
    import torch

    whole = torch.from_numpy(np.concatenate([tokens, targets], axis=1)).to(model.device)
    with torch.no_grad():
        logits = model(whole[:, :-1], use_cache=False).logits[:, tokens.shape[1] - 1 :]
    picked = logits.log_softmax(-1).gather(-1, whole[:, tokens.shape[1] :, None])[..., 0]
    return np.minimum(picked.cpu().numpy().astype(float), 0.0)


def collect(
    folders: Iterable[str | Path],
    family: str,
    n: int = 1000,
    device: str = "cpu",
    progress: bool = True,
) -> pl.DataFrame:
    """Ask every finished rung all held-out prompts.

    Parameters
    ----------
    folders : paths
        Those that :func:`ladder.train` returned.
    family : str
        Written into the ``family`` column.
    n : int
        Prompts a target length; the same ones for every rung.

    Returns
    -------
    Outputs of kind ``text``.

    Raises
    ------
    FileNotFoundError
        If a rung is not finished; the message says how to go on.
    """
    import torch

    torch.set_num_threads(1)
    prompts = pl.concat(
        held_out_prompts(op, length, n) for op in OPERATIONS.values() for length in op.lengths
    )
    parts = []
    for folder in tqdm(sorted(map(Path, folders)), desc="asking", disable=not progress):
        settings = ladder.read_settings(folder)
        if not (folder / "model.safetensors").exists():
            raise FileNotFoundError(
                f"{folder} holds an unfinished rung: run 'mirage arithmetic train' again, it goes on there"
            )
        model = ladder.train_rung(folder, **settings, device=device, progress=False)
        said = ask(model, prompts).with_columns(
            family=pl.lit(family),
            model=pl.lit(f"width {settings['width']}"),
            n_params=pl.lit(model.num_parameters(), dtype=pl.Int64),
            seed=pl.lit(settings["seed"], dtype=pl.Int64),
            temperature=pl.lit(0.0),
            sample=pl.lit(0, dtype=pl.Int64),
        )
        parts.append(said)
    return pl.concat(parts).select(
        *tables.COMMON,
        *tables.KINDS["text"],
        "prompt",
        "target_logprob",
        "token_logprobs",
    ).sort("task", "group", "n_params", "seed", maintain_order=True)


def freeze(folder: str | Path, name: str, n: int = 1000, into: str | Path = tables.FROZEN) -> Path:
    """Ask all rungs below a folder and save their answers as a frozen table.

    Parameters
    ----------
    folder : path
        The folder given to :func:`ladder.train`.
    name : str
        Name of the frozen table.

    Returns
    -------
    The file's path.
    """
    folder = Path(folder)
    rungs = [path.parent for path in folder.glob("*/settings.json")]
    if not rungs:
        raise FileNotFoundError(f"{folder} holds no rungs: run 'mirage arithmetic train --out {folder}' first")
    answers = collect(rungs, family=name, n=n)
    seeds = sorted(answers["seed"].unique())
    budget = ladder.read_settings(rungs[0])["budget"]
    stamp = stamps.stamp(
        f"mirage arithmetic train --seeds {len(seeds)} --steps {budget.steps} && "
        f"mirage arithmetic freeze --name {name} --n {n}",
        seeds=seeds,
        licence="CC-BY-4.0",
        packages=("numpy", "polars", "torch", "transformers"),
    )
    # Who trains the ladder again can tell from these whether it is the same.
    weights = {rung.name: tables.sha256(rung / "model.safetensors") for rung in sorted(rungs)}
    return tables.save(answers, name, "text", stamp | {"budget": vars(budget), "weights": weights}, into)


def freeze_log(folder: str | Path, name: str, into: str | Path = tables.FROZEN) -> Path | None:
    """Save the training losses of all rungs below a folder as one small frozen table.

    The loss is that of one batch, in nats an answer character, every 50 steps; nothing is saved where
    the training was too short for a line.
    """
    parts = []
    for path in sorted(Path(folder).glob("*/log.jsonl")):
        settings = ladder.read_settings(path.parent)
        # A run that was killed repeats the steps since its last checkpoint: the later line counts.
        log = pl.read_ndjson(path).unique("step", keep="last").sort("step")
        parts.append(
            log.select(
                pl.lit(settings["width"]).alias("width"),
                pl.lit(settings["seed"]).alias("seed"),
                "step",
                *(pl.col(task).round(4) for task in OPERATIONS),
            )
        )
    if not parts:
        return None
    table = pl.concat(parts).sort("width", "seed", "step")
    note = f"Training losses of {name}, written by 'mirage arithmetic freeze'; ours, CC BY 4.0."
    return tables.save_table(table, f"{name}-training", "training log", note, into)
