"""Asking rungs: what they say is what their own probabilities say, and nothing is asked twice."""

import numpy as np
import pytest
import torch

from mirage_lib.arithmetic import answers, ladder
from mirage_lib.arithmetic.problems import ADDITION, held_out_prompts


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A rung trained just enough to have likely and unlikely characters."""
    folder = tmp_path_factory.mktemp("rung")
    ladder.train_rung(folder, width=8, seed=1, budget=ladder.Budget(steps=40, batch=8), device="cpu", progress=False)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    rung = ladder.read_rung(folder)
    return ladder.train_rung(folder, rung.width, rung.seed, rung.budget, device="cpu", progress=False)


def next_probabilities(model, text: str) -> np.ndarray:
    with torch.no_grad():
        logits = model(torch.tensor([ladder.encode(text)])).logits[0, -1]
    return logits.double().softmax(-1).numpy()


def test_at_temperature_zero_each_character_is_the_likeliest(model):
    said = answers.ask(model, held_out_prompts(ADDITION, 3, 20))
    for prompt, output, finish in said.select("prompt", "output", "finish_reason").iter_rows():
        text = prompt
        for character in output + ("\n" if finish == "stop" else ""):
            probabilities = next_probabilities(model, text)
            assert probabilities[ladder.encode(character)[0]] > probabilities.max() - 1e-6
            text += character


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_drawn_characters_follow_the_models_probabilities(model, temperature):
    one = held_out_prompts(ADDITION, 4, 1)
    many = one[np.zeros(6000, dtype=int).tolist()]
    said = answers.ask(model, many, temperature=temperature, seed=3)
    truth = next_probabilities(model, one["prompt"][0]) ** (1 / temperature)
    truth /= truth.sum()
    first = [text[:1] for text in said["output"]]
    for digit in "0123456789":
        p = truth[ladder.encode(digit)[0]]
        assert abs(first.count(digit) / 6000 - p) < 4.5 * np.sqrt(p * (1 - p) / 6000) + 1e-3


def test_draws_repeat_with_their_seed_and_leave_the_global_one_alone(model):
    prompts = held_out_prompts(ADDITION, 2, 50)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (answers.ask(model, prompts, temperature=1.0, seed=seed)["output"] for seed in (1, 1, 2))
    assert torch.rand(3).equal(expected)
    assert first.equals(again) and not first.equals(other)


def test_log_probabilities_are_those_of_one_character_after_the_other(model):
    said = answers.ask(model, held_out_prompts(ADDITION, 4, 5))
    for prompt, target, whole, parts in said.select("prompt", "target", "target_logprob", "token_logprobs").iter_rows():
        expected = [
            np.log(next_probabilities(model, prompt + target[:k])[ladder.encode(target[k])[0]]) for k in range(4)
        ]
        assert parts == pytest.approx(expected, abs=0.006)
        assert whole == pytest.approx(sum(parts), abs=1e-4)


def test_what_was_asked_is_kept_and_other_questions_are_asked_anew(folder, monkeypatch):
    questions = answers.Questions((("addition", 2, 7),), extra=())
    first = answers.answers_of(folder, questions)
    monkeypatch.setattr(ladder, "train_rung", None)  # loading the model again would fail
    assert answers.answers_of(folder, questions).equals(first)
    with pytest.raises(TypeError):
        answers.answers_of(folder, answers.Questions((("addition", 2, 8),), extra=()))
    assert not list(folder.glob("*.part"))


def test_only_the_wanted_columns_are_kept(folder):
    bare = answers.collect([folder], "mine", answers.Questions((("addition", 1, 3),), extra=()), progress=False)
    assert not {"prompt", "token_logprobs", "target_logprob"} & set(bare.columns)
    assert bare["steps"].unique().to_list() == [40] and bare["family"].unique().to_list() == ["mine"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"cells": (("subtraction", 1, 1),)}, "subtraction"), ({"cells": (("addition", 1, 1),), "temperature": -1.0}, "-1.0")],
)
def test_questions_that_cannot_be_asked_are_refused(settings, said):
    with pytest.raises((ValueError, KeyError), match=said):
        answers.Questions(**settings)
