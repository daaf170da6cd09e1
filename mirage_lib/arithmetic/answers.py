"""Answers: trained rungs are asked held-out problems, and everything they say becomes an outputs table.

At temperature 0 the most probable character is written each time, at other temperatures one is drawn.
Beside the text of an answer stands, where wanted, the log-probability that the rung gives to the right
one, token by token, the newline that ends it not counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from tqdm import tqdm

from mirage_lib import outputs as tables
from mirage_lib import runs, stamps
from mirage_lib.arithmetic import ladder
from mirage_lib.arithmetic.documents import CHARACTERS, PAD, encode
from mirage_lib.arithmetic.problems import OPERATIONS, SHOTS, held_out_prompts, operation

LONGEST = 8
"""Characters after which an answer is cut off; the longest right answer has 5."""
AT_ONCE = 4096
"""Prompts answered in one batch."""
LOGPROBS = ("target_logprob", "token_logprobs")


@dataclass(frozen=True)
class Questions:
    """What every rung of a family is asked.

    Attributes
    ----------
    cells : tuple of (task, target length, number of prompts)
    temperature : float
    shots, template : int, str
        As in :func:`problems.held_out_prompts`.
    extra : tuple of str
        Optional columns to keep: ``prompt``, ``logprobs`` or both.

    Raises
    ------
    ValueError
        For an unknown task, a length that its answers cannot have, or a negative temperature.

    >>> Questions((("addition", 6, 10),))
    Traceback (most recent call last):
    ...
    ValueError: addition has no answers of 6 digits: choose from [1, 2, 3, 4, 5]
    """

    cells: tuple[tuple[str, int, int], ...]
    temperature: float = 0.0
    shots: int = SHOTS
    template: str = "plain"
    extra: tuple[str, ...] = ("prompt", "logprobs")

    def __post_init__(self) -> None:
        if self.temperature < 0:
            raise ValueError(f"temperature is {self.temperature}: 0 is the least")
        for task, length, _ in self.cells:
            if length not in (known := operation(task).lengths):
                raise ValueError(f"{task} has no answers of {length} digits: choose from {list(known)}")

    def prompts(self) -> pl.DataFrame:
        """Make all prompts.

        >>> Questions((("addition", 2, 10), ("multiplication", 1, 5))).prompts().height
        15
        """
        return pl.concat(
            held_out_prompts(operation(task), length, n, shots=self.shots, template=self.template)
            for task, length, n in self.cells
        )


def every_cell(n: int) -> tuple[tuple[str, int, int], ...]:
    """Both operations at every target length, ``n`` prompts each.

    >>> len(every_cell(10))
    9
    """
    return tuple((op.name, length, n) for op in OPERATIONS.values() for length in op.lengths)


def ask(
    model, prompts: pl.DataFrame, temperature: float = 0.0, seed: int = 0, logprobs: bool = True
) -> pl.DataFrame:
    """Ask one rung, and return the prompts with its answers.

    Parameters
    ----------
    model : transformers.LlamaForCausalLM
        A trained rung.
    prompts : frame
        With ``prompt`` and ``target``, as from :func:`problems.held_out_prompts`.
    temperature : float
        0 writes the most probable character, 1 draws from the rung's own probabilities.
    seed : int
        Seed of the draws.
    logprobs : bool
        Add the log-probability of the target and of each of its tokens.

    Returns
    -------
    The same rows, with ``output, finish_reason`` and, where wanted, ``target_logprob, token_logprobs``
    (natural logarithms, at temperature 1).

    >>> from mirage_lib.arithmetic.problems import ADDITION
    >>> said = ask(ladder.build(4, seed=0).eval(), held_out_prompts(ADDITION, 1, 3))
    >>> said["token_logprobs"].list.len().to_list()
    [1, 1, 1]
    """
    import torch

    rows = prompts.with_row_index("row").with_columns(
        prompt_length=pl.col("prompt").str.len_chars(), target_length=pl.col("target").str.len_chars()
    )
    parts = []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        # Prompts of one length need no padding, and so no mask that could go wrong.
        for alike in rows.partition_by("prompt_length", "target_length"):
            parts += [_ask_alike(model, batch, temperature, logprobs) for batch in alike.iter_slices(AT_ONCE)]
    return pl.concat(parts).sort("row").drop("row", "prompt_length", "target_length")


def _ask_alike(model, batch: pl.DataFrame, temperature: float, logprobs: bool) -> pl.DataFrame:
    """Ask prompts of one length whose targets have one length."""
    tokens = np.array([encode(prompt) for prompt in batch["prompt"]])
    said, stopped = _continue(model, tokens, temperature)
    finish = pl.Series(np.where(stopped, "stop", "length"))
    batch = batch.with_columns(output=pl.Series(said).str.strip_chars(), finish_reason=finish)
    if not logprobs:
        return batch
    of_target = _log_probabilities(model, tokens, np.array([encode(target) for target in batch["target"]]))
    return batch.with_columns(
        target_logprob=pl.Series(of_target.sum(axis=1), dtype=pl.Float32),
        token_logprobs=pl.Series(of_target.tolist(), dtype=pl.List(pl.Float32)),
    )


def _continue(model, tokens: np.ndarray, temperature: float) -> tuple[list[str], np.ndarray]:
    """One next character after the other, until a newline or ``LONGEST``."""
    import torch

    given = torch.from_numpy(tokens).to(model.device)
    how = {"do_sample": False}
    if temperature:
        how = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    written = model.generate(
        given, attention_mask=torch.ones_like(given), max_new_tokens=LONGEST, pad_token_id=PAD, **how
    )
    written = written[:, tokens.shape[1] :].cpu().numpy()
    end = encode("\n")[0]
    stopped = (written == end).any(axis=1)
    texts = []
    for row, whole in zip(written, stopped, strict=True):
        row = row[: int(np.argmax(row == end))] if whole else row
        texts.append("".join(CHARACTERS[i] for i in row if i < PAD))
    return texts, stopped


def _log_probabilities(model, tokens: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Natural log-probability of each character of the right answer, given those before it, to 0.01."""
    import torch

    whole = torch.from_numpy(np.concatenate([tokens, targets], axis=1)).to(model.device)
    logits = model(whole[:, :-1], use_cache=False).logits[:, tokens.shape[1] - 1 :]
    picked = logits.log_softmax(-1).gather(-1, whole[:, tokens.shape[1] :, None])[..., 0]
    return np.minimum(picked.cpu().numpy().astype(float), 0.0).round(2)


def answers_of(folder: str | Path, questions: Questions, device: str = "cpu") -> pl.DataFrame:
    """Ask one finished rung, or take its answers from its folder if it was asked the same before.

    Returns
    -------
    The prompts with its answers, and its ``model, n_params, seed, steps``.

    Raises
    ------
    FileNotFoundError
        If the rung is not finished; the message says how to go on.
    """
    import torch

    folder = Path(folder)
    if not (folder / "model.safetensors").exists():
        raise FileNotFoundError(
            f"{folder} holds an unfinished rung: run 'mirage arithmetic train' again, it goes on there"
        )
    key = json.dumps([tables.sha256(folder / "model.safetensors"), asdict(questions)])
    kept = folder / f"answers-{hashlib.sha256(key.encode()).hexdigest()[:16]}.parquet"
    if kept.exists():
        with contextlib.suppress(tables.OutputsError):  # damaged: asked again
            return tables.read_parquet(kept)
    torch.set_num_threads(1)
    rung = ladder.read_rung(folder)
    model = ladder.train_rung(folder, rung.width, rung.seed, rung.budget, device=device, progress=False)
    logprobs = "logprobs" in questions.extra
    said = ask(model, questions.prompts(), questions.temperature, rung.seed, logprobs).with_columns(
        model=pl.lit(f"width {rung.width}, {rung.budget.steps} steps"),
        n_params=pl.lit(model.num_parameters(), dtype=pl.Int64),
        seed=pl.lit(rung.seed, dtype=pl.Int64),
        steps=pl.lit(rung.budget.steps, dtype=pl.Int64),
        temperature=pl.lit(questions.temperature),
    )
    content = io.BytesIO()
    said.write_parquet(content)
    with runs.hold(folder, wait=60):  # another process may have asked the same
        runs.write(kept, content.getvalue())
    return said


def collect(
    folders: Iterable[str | Path], family: str, questions: Questions, jobs: int = 1, progress: bool = True
) -> pl.DataFrame:
    """Ask every rung the same questions.

    Parameters
    ----------
    folders : paths
        Those that :func:`ladder.train` returned.
    family : str
        Written into the ``family`` column.
    jobs : int
        Processes; -1 is one a core.

    Returns
    -------
    Outputs of kind ``text``, with the optional columns that were asked for and ``steps``, the number of
    training steps.
    """
    from joblib import Parallel, delayed

    folders = sorted(map(Path, folders))
    asked = Parallel(n_jobs=jobs, return_as="generator")(delayed(answers_of)(f, questions) for f in folders)
    bar = tqdm(asked, desc="asking", total=len(folders), disable=not progress)
    extra = [*(["prompt"] if "prompt" in questions.extra else []), "steps"]
    extra += LOGPROBS if "logprobs" in questions.extra else ()
    columns = [*tables.COMMON, *tables.KINDS["text"], *extra]
    table = pl.concat(
        said.with_columns(family=pl.lit(family), sample=pl.lit(0, dtype=pl.Int64)).select(columns) for said in bar
    )
    # By problem first: rows that repeat each other stand together, and the file is small.
    return table.sort("task", "group", pl.int_range(pl.len()).over("model", "seed"), "n_params", "seed")


def freeze(
    folder: str | Path,
    name: str,
    questions: Questions,
    chosen: Iterable[ladder.Rung] | None = None,
    family: str = "arithmetic-ladder",
    command: str = "mirage_lib.arithmetic.answers.freeze",
    jobs: int = 1,
    into: str | Path = tables.FROZEN,
) -> Path:
    """Ask rungs and save their answers as a frozen table.

    Parameters
    ----------
    folder : path
        The folder given to :func:`ladder.train`.
    name : str
        Name of the frozen table.
    chosen : rungs, optional
        Those to ask; all below the folder where none are named.
    command : str
        What a reader has to type to do this again; goes into the stamp.

    Returns
    -------
    The file's path.

    Raises
    ------
    FileNotFoundError
        If there are no rungs, or one of those chosen is not finished.
    """
    paths = _rung_folders(folder, chosen)
    answers = collect(paths, family, questions, jobs)
    stamp = stamps.stamp(
        command,
        seeds=sorted(answers["seed"].unique()),
        licence="CC-BY-4.0",
        packages=("numpy", "polars", "torch", "transformers"),
    )
    # Who trains the ladder again can tell from these whether it is the same.
    weights = {path.name: tables.sha256(path / "model.safetensors") for path in paths}
    budgets = [asdict(ladder.read_rung(path).budget) for path in paths]
    steps = sorted({budget["steps"] for budget in budgets})
    budget = budgets[0] | {"steps": steps[0] if len(steps) == 1 else steps}
    whole = stamp | {"budget": budget, "questions": asdict(questions), "weights": weights}
    return tables.save(answers.drop("target_logprob", strict=False), name, "text", whole, into)


def _rung_folders(folder: str | Path, chosen: Iterable[ladder.Rung] | None) -> list[Path]:
    folder = Path(folder)
    if chosen is not None:
        return sorted(folder / rung.name for rung in chosen)
    found = sorted(path.parent for path in folder.glob("*/settings.json"))
    if not found:
        raise FileNotFoundError(f"{folder} holds no rungs: run 'mirage arithmetic train --out {folder}' first")
    return found


def freeze_log(
    folder: str | Path,
    name: str,
    chosen: Iterable[ladder.Rung] | None = None,
    into: str | Path = tables.FROZEN,
) -> Path | None:
    """Save the training losses of rungs as one small frozen table.

    The loss is that of one batch, in nats an answer character, every 50 steps; nothing is saved where
    the training was too short for a line.
    """
    parts = []
    for path in (f / "log.jsonl" for f in _rung_folders(folder, chosen)):
        if not path.exists():
            continue
        rung = ladder.read_rung(path.parent)
        # A run that was killed repeats the steps since its last checkpoint: the later line counts.
        log = pl.read_ndjson(path).unique("step", keep="last").sort("step")
        parts.append(
            log.select(
                pl.lit(rung.width).alias("width"),
                pl.lit(rung.seed).alias("seed"),
                "step",
                *(pl.col(task).round(4) for task in OPERATIONS),
            )
        )
    if not parts:
        return None
    table = pl.concat(parts).sort("width", "seed", "step")
    note = f"Training losses of {name}, written by 'mirage arithmetic freeze'; ours, CC BY 4.0."
    return tables.save_table(table, f"{name}-training", "training log", note, into)
