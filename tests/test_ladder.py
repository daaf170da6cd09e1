"""Training the ladder: what it sees, and that a killed run ends as if nothing had happened."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from mirage_lib import training
from mirage_lib.arithmetic import ladder
from mirage_lib.arithmetic.problems import OPERATIONS, TEMPLATES, held_out_prompts, write

BUDGET = ladder.Budget(steps=110, batch=3)
EVERY = 30
OPS = list(OPERATIONS.values())
named = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)


def decode(tokens) -> str:
    return "".join(ladder.CHARACTERS[i] for i in tokens if i != ladder.PAD)


def train(folder, width=4, seed=0, budget=BUDGET):
    return ladder.train_rung(
        folder, width=width, seed=seed, budget=budget, device="cpu", checkpoint_every=EVERY, progress=False
    )


# --- characters and documents -----------------------------------------------------------------------


def test_every_printable_character_has_a_number_of_its_own():
    text = "\n" + "".join(map(chr, range(32, 127)))
    codes = ladder.encode(text)
    assert sorted(codes) == list(range(96)) and ladder.PAD not in codes
    assert decode(codes) == text


@named
def test_labels_cover_exactly_the_answers_and_their_newlines(op):
    tokens, labels = ladder.documents(op, 1000, np.random.default_rng(0))
    longest = 0
    for row, row_labels in zip(tokens.tolist(), labels.tolist(), strict=True):
        expected, text = [], decode(row)
        answering = False
        for character in text:  # slow and plain: what stands between "=" and the newline's end counts
            expected.append(ladder.CHARACTERS.index(character) if answering else ladder.IGNORE)
            answering = character == "=" or (answering and character != "\n")
        blank = len(row) - len(text)
        assert row == [ladder.CHARACTERS.index(c) for c in text] + [ladder.PAD] * blank
        assert row_labels == expected + [ladder.IGNORE] * blank
        longest = max(longest, len(text))
    assert tokens.shape == labels.shape == (1000, longest)
    assert tokens.dtype == labels.dtype == np.int64


@named
def test_documents_are_three_solved_problems_none_of_them_held_out(op):
    asked = {
        frozenset(map(int, item.split(op.sign)))
        for length in op.lengths
        for item in held_out_prompts(op, length, 3000)["item"]
    }
    tokens, _ = ladder.documents(op, 4000, np.random.default_rng(1))
    lengths = []
    for row in tokens:
        problems = decode(row).splitlines()
        assert len(problems) == 3 and decode(row).endswith("\n")
        for problem in problems:
            question, answer = problem.split("=")
            a, b = map(int, question.split(op.sign))
            assert answer == str(a * b if op.sign == "*" else a + b)
            assert question == f"{a}{op.sign}{b}"  # no leading zeros
            assert frozenset((a, b)) not in asked
            lengths.append(len(answer))
    shares = np.bincount(lengths)[1:] / len(lengths)
    assert shares == pytest.approx(np.full(len(op.lengths), 1 / len(op.lengths)), abs=0.02)


@named
def test_documents_in_three_formats_are_written_as_prompts_are(op):
    """Parsed back, and written again by the function that writes prompts."""
    names = tuple(TEMPLATES)
    tokens, labels = ladder.documents(op, 9, np.random.default_rng(3), templates=names)
    for k, (row, row_labels) in enumerate(zip(tokens, labels, strict=True)):
        name, text = names[k // 3], decode(row)
        numbers = list(map(int, re.findall(r"\d+", text)))
        problems = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
        assert len(problems) == 3
        assert text == "".join(write(name, op, a, b, answer) for a, b, answer in problems)
        counted = "".join(ladder.CHARACTERS[t] for t, label in zip(row, row_labels, strict=True) if label >= 0)
        rest = [write(name, op, a, b, answer)[len(write(name, op, a, b)) :] for a, b, answer in problems]
        assert counted == "".join(rest)


def test_documents_depend_on_their_generator_alone():
    first, again, other = (ladder.documents(OPS[1], 20, np.random.default_rng(seed))[0] for seed in (5, 5, 6))
    assert (first == again).all() and (first.shape != other.shape or (first != other).any())


def test_a_prompt_reads_like_the_start_of_a_document():
    """Two solved problems and the third one's question: the model is asked what it was trained on."""
    prompt = held_out_prompts(OPS[0], 4, 1)
    whole = prompt["prompt"][0] + prompt["target"][0] + "\n"
    tokens, _ = ladder.documents(OPS[0], 1, np.random.default_rng(2))
    assert [line.count("=") for line in whole.splitlines()] == [line.count("=") for line in decode(tokens[0]).splitlines()]
    assert decode(ladder.encode(whole)) == whole


@pytest.mark.parametrize("name", ladder.MODES)
def test_no_two_models_of_a_mode_share_a_folder(name):
    chosen = ladder.mode(name)
    assert len({rung.name for rung in chosen}) == len(chosen) == len(set(chosen))


# --- learning rate and size --------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 7, 20, 100, 3000])
def test_the_learning_rate_rises_in_a_line_and_falls_like_a_cosine(steps):
    warm_up = max(1, steps // 20)
    rates = [training.schedule(step, steps) for step in range(steps)]
    assert rates[:warm_up] == pytest.approx([(k + 1) / warm_up for k in range(warm_up)])
    for step in range(warm_up, steps):
        assert rates[step] == pytest.approx(math.cos(math.pi / 2 * (step - warm_up) / (steps - warm_up)) ** 2)
    assert max(rates) == 1 and min(rates) > 0
    assert rates[warm_up:] == sorted(rates[warm_up:], reverse=True)
    assert training.schedule(steps, steps) == pytest.approx(0, abs=1e-12) or steps == 1


def test_the_peak_rate_falls_with_width_but_is_never_more_than_double():
    budget = ladder.Budget(learning_rate=0.01)
    assert [budget.peak(width) for width in (4, 16, 32, 64)] == pytest.approx([0.02, 0.02, 0.01, 0.005])


@pytest.mark.parametrize("width", [4, 12, 64])
def test_a_rung_has_the_parameters_that_its_shape_says(width):
    inner = 4 * 2 * math.ceil(width / 8)  # four heads of an even size, a quarter of the width or more
    block = 4 * width * inner + 3 * width * 4 * width + 2 * width  # attention, gated MLP, two norms
    assert ladder.build(width, seed=0).num_parameters() == 97 * width + 3 * block + width


def test_wider_rungs_are_larger_all_the_way_up():
    sizes = [ladder.build(width, seed=0).num_parameters() for width in ladder.WIDTHS]
    assert sizes == sorted(set(sizes))


def test_the_seed_decides_how_a_rung_starts():
    def weights(seed):
        return ladder.build(4, seed).model.embed_tokens.weight.detach().numpy()

    assert (weights(0) == weights(0)).all() and (weights(0) != weights(1)).any()


# --- killed, resumed, finished -------------------------------------------------------------------------

KILLED = """
    # Trains in a process of its own, once for each file named; each dies by SIGKILL at the moment when it
    # puts that file in its place for the given time. Forks, because importing torch takes longer than this.
    import os, signal, sys
    import torch
    from mirage_lib.arithmetic import ladder

    folder, steps, batch, every, *moments = sys.argv[1:]
    ladder.build(4, 0)
    for moment in moments:
        name, times = moment.split(":")
        child = os.fork()
        if child == 0:
            left = int(times)

            def die(event, args):
                global left
                if event == "os.rename" and str(args[1]).endswith(name):
                    left -= 1
                    if left == 0:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(die)
            budget = ladder.Budget(steps=int(steps), batch=int(batch))
            ladder.train_rung(folder, 4, 0, budget, "cpu", int(every), progress=False)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        step = torch.load(folder + "/checkpoint.pt", weights_only=True)["step"]
        print(os.WTERMSIG(status), step, *sorted(os.listdir(folder)))
"""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(folder)
    return folder


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.fault(group="killed", tried="SIGKILL while the second checkpoint, then while the weights are put in their place", on="`mirage arithmetic train`", happens="it goes on from its last checkpoint and ends with the very same weights and log")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills its children as POSIX does")
def test_a_run_killed_twice_goes_on_and_ends_with_the_very_same_weights(uninterrupted, tmp_path):
    """Killed while its second checkpoint, and then while its final weights, are put in their place."""
    arguments = [tmp_path, BUDGET.steps, BUDGET.batch, EVERY, "checkpoint.pt:2", "model.safetensors:1"]
    command = [sys.executable, "-c", textwrap.dedent(KILLED), *map(str, arguments)]
    deaths = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout.splitlines()
    assert deaths == [
        f"{signal.SIGKILL:d} {EVERY} checkpoint.pt checkpoint.pt.part lock log.jsonl settings.json",
        f"{signal.SIGKILL:d} {3 * EVERY} checkpoint.pt lock log.jsonl model.safetensors.part settings.json",
    ]

    train(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == (uninterrupted / "model.safetensors").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in uninterrupted.iterdir()}
    # What was trained again since a checkpoint is logged again, to the last digit the same.
    fifty, hundred = log_of(uninterrupted)
    assert log_of(tmp_path) == [fifty, fifty, hundred, hundred]


def test_a_finished_run_leaves_settings_log_and_weights(uninterrupted):
    assert sorted(path.name for path in uninterrupted.iterdir()) == ["log.jsonl", "model.safetensors", "settings.json"]
    log = log_of(uninterrupted)
    assert [line["step"] for line in log] == [50, 100]
    assert all(0 < line[name] < 2 * math.log(97) for line in log for name in OPERATIONS)
    assert ladder.read_rung(uninterrupted) == ladder.Rung(4, 0, BUDGET)


def test_a_finished_run_is_loaded_and_not_trained_again(uninterrupted):
    from safetensors.numpy import load_file

    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in uninterrupted.iterdir()}
    model = train(uninterrupted)
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in uninterrupted.iterdir()} == before
    state = model.state_dict()
    for name, weights in load_file(uninterrupted / "model.safetensors").items():
        assert (state[name].numpy() == weights).all()
    assert not model.training
    untrained = ladder.build(4, 0).state_dict()["model.norm.weight"]
    assert (state["model.norm.weight"] != untrained).any()
    assert (state["lm_head.weight"] == state["model.embed_tokens.weight"]).all()


@pytest.mark.fault(group="two", tried="another training in the folder of this one", on="`mirage arithmetic train`", happens="refused with both settings", says="take another folder, or delete this one")
@pytest.mark.parametrize(
    "other",
    [{"width": 8}, {"seed": 1}, {"budget": ladder.Budget(steps=111, batch=3)}, {"budget": ladder.Budget(110, 3, 0.02)}],
    ids=lambda other: next(iter(other)),
)
def test_other_settings_in_the_same_folder_are_refused_and_both_are_named(uninterrupted, other):
    before = (uninterrupted / "settings.json").read_bytes()
    with pytest.raises(ValueError) as error:
        train(uninterrupted, **other)
    message = str(error.value)
    assert str(uninterrupted) in message and "take another folder, or delete this one" in message
    assert message.count("'width'") == message.count("'learning_rate'") == 2
    assert (uninterrupted / "settings.json").read_bytes() == before


def test_another_seed_ends_with_other_weights(uninterrupted, tmp_path):
    train(tmp_path, seed=1)
    assert (tmp_path / "model.safetensors").read_bytes() != (uninterrupted / "model.safetensors").read_bytes()


def test_training_lowers_the_loss(tmp_path):
    train(tmp_path, width=16, budget=ladder.Budget(steps=100, batch=12))
    first, *_, last = log_of(tmp_path)
    # Eleven characters can follow in an answer; guessing among them evenly costs log 11.
    assert all(last[name] < first[name] < math.log(97) and last[name] < math.log(11) for name in OPERATIONS)
