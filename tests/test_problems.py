"""Arithmetic problems: the split, the prompts, and how evenly problems are drawn."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from mirage_lib.arithmetic import problems
from mirage_lib.arithmetic.problems import ADDITION, MULTIPLICATION, OPERATIONS, held_out_prompts

OPS = list(OPERATIONS.values())
CELLS = [(op, length) for op in OPS for length in op.lengths]
named = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
celled = pytest.mark.parametrize(("op", "length"), CELLS, ids=[f"{op.name}-{length}" for op, length in CELLS])


def true_answer(text: str) -> int:
    """The answer to ``a+b`` or ``a*b``, by Python's whole numbers."""
    a, sign, b = re.fullmatch(r"(\d+)([*+])(\d+)", text).groups()
    return int(a) * int(b) if sign == "*" else int(a) + int(b)


def operands(text: str) -> tuple[int, int]:
    a, b = re.split(r"[*+]", text)
    return int(a), int(b)


def all_pairs(below: int):
    return (grid.ravel() for grid in np.meshgrid(np.arange(below), np.arange(below)))


# --- the split -----------------------------------------------------------------------------------


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.sampled_from(OPS), st.data())
def test_a_pair_and_its_mirror_image_fall_on_the_same_side(op, data):
    a, b = (data.draw(st.integers(0, op.below - 1)) for _ in range(2))
    straight, mirrored = problems.is_held_out(op, np.array([a, b]), np.array([b, a]))
    assert straight == mirrored


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(OPS), st.data())
def test_the_split_is_the_one_that_frozen_outputs_were_made_with(op, data):
    """Written out with Python's unbounded whole numbers; another split would mix training and test."""
    a, b = (data.draw(st.integers(0, op.below - 1)) for _ in range(2))
    mixed = (min(a, b) * 10_007 + max(a, b) + ord(op.sign)) * 0x9E3779B97F4A7C15 % 2**64
    mixed = (mixed ^ (mixed >> 31)) * 0xBF58476D1CE4E5B9 % 2**64
    mixed ^= mixed >> 29
    assert problems.is_held_out(op, np.array([a]), np.array([b])).tolist() == [mixed % 4 == 0]


@named
def test_one_pair_in_four_is_held_out_at_every_length(op):
    a, b = all_pairs(min(op.below, 1000))
    held_out, lengths = problems.is_held_out(op, a, b), problems.digits(op.answer(a, b))
    assert held_out.mean() == pytest.approx(0.25, abs=0.01)
    for length in set(lengths.tolist()):
        share = held_out[lengths == length]
        assert share.mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / (len(share) / 2)))


def test_the_two_operations_do_not_share_their_split():
    a, b = all_pairs(100)
    both = problems.is_held_out(ADDITION, a, b) & problems.is_held_out(MULTIPLICATION, a, b)
    assert both.mean() == pytest.approx(1 / 16, abs=0.01)


@named
def test_training_pairs_and_test_prompts_have_nothing_in_common(op):
    asked = set()
    for length in op.lengths:
        for seed in (0, 1):
            asked |= {frozenset(operands(item)) for item in held_out_prompts(op, length, 2000, seed)["item"]}
    rng = np.random.default_rng(0)
    a, b = problems.sample_pairs(op, rng.choice(op.lengths, 30_000), rng, held_out=False)
    trained = {frozenset(pair) for pair in zip(a.tolist(), b.tolist(), strict=True)}
    assert len(asked) > 1000 and len(trained) > 1000
    assert not asked & trained


# --- drawing pairs ---------------------------------------------------------------------------------


@named
@pytest.mark.parametrize("held_out", [True, False])
def test_drawn_pairs_have_the_wanted_lengths_and_side(op, held_out):
    wanted = np.random.default_rng(1).choice(op.lengths, 5000)
    a, b = problems.sample_pairs(op, wanted, np.random.default_rng(2), held_out)
    answers = [x * y if op.sign == "*" else x + y for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert [len(str(answer)) for answer in answers] == wanted.tolist()
    assert min(a.min(), b.min()) >= 0 and max(a.max(), b.max()) < op.below
    assert (problems.is_held_out(op, a, b) == held_out).all()


@pytest.mark.parametrize(("op", "length"), [(ADDITION, 1), (MULTIPLICATION, 1), (MULTIPLICATION, 3)])
def test_pairs_are_drawn_evenly_from_all_with_that_length(op, length):
    below = op.square(length)
    a, b = all_pairs(below)
    possible = problems.digits_are(op.answer(a, b), length) & ~problems.is_held_out(op, a, b)
    n = 40 * int(possible.sum())
    drawn = Counter(zip(*problems.sample_pairs(op, np.full(n, length), np.random.default_rng(3), False), strict=True))
    counts = [drawn[pair] for pair in zip(a[possible], b[possible], strict=True)]
    assert sum(counts) == n
    assert chisquare(counts).pvalue > 1e-3


@celled
def test_no_pair_of_that_length_lies_outside_the_square(op, length):
    below = op.square(length)
    outside = below if below < op.below else None
    if outside is not None:  # the next operand already makes a longer answer, even beside zero
        assert len(str(outside)) > length
    assert len(str(true_answer(f"{below - 1}{op.sign}{below - 1}"))) >= length


@named
def test_a_length_that_no_answer_has_is_refused_beside_those_that_exist(op):
    longest = max(op.lengths)
    with pytest.raises(ValueError, match=f"{op.name} has no answers of {longest + 1} digits: choose from .*{longest}"):
        problems.sample_pairs(op, np.array([1, longest + 1]), np.random.default_rng(0), held_out=False)


def test_an_unknown_operation_is_named_beside_the_known_ones():
    assert problems.operation("multiplication") is MULTIPLICATION
    with pytest.raises(KeyError, match="'division': choose one of multiplication, addition"):
        problems.operation("division")


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_digits_are_counted_as_they_are_written(values):
    written = [len(str(value)) for value in values]
    assert problems.digits(np.array(values)).tolist() == written
    for length in range(1, 6):
        assert problems.digits_are(np.array(values), length).tolist() == [n == length for n in written]


# --- prompts -----------------------------------------------------------------------------------------


@celled
def test_prompts_show_two_solved_training_problems_and_ask_a_held_out_one(op, length):
    cell = held_out_prompts(op, length, 600)
    line = rf"\d+{re.escape(op.sign)}\d+=\d+\n"
    assert cell.columns == ["task", "group", "item", "prompt_id", "prompt", "target"]
    for row in cell.iter_rows(named=True):
        assert re.fullmatch(rf"({line}){{2}}\d+{re.escape(op.sign)}\d+=", row["prompt"])
        *shown, asked = row["prompt"].split("\n")
        for example in shown:
            problem, answer = example.split("=")
            assert true_answer(problem) == int(answer) and str(int(answer)) == answer
            assert not problems.is_held_out(op, *(np.array([x]) for x in operands(problem)))[0]
        assert asked == row["item"] + "="
        assert row["target"] == str(true_answer(row["item"])) and len(row["target"]) == length
        assert problems.is_held_out(op, *(np.array([x]) for x in operands(row["item"])))[0]
        assert (row["task"], row["group"]) == (op.name, length)
    assert cell["prompt_id"].n_unique() == 600


@celled
def test_a_problem_comes_again_only_when_all_have_been_asked(op, length):
    n = 700
    times = Counter(held_out_prompts(op, length, n)["item"])
    assert max(times.values()) - min(times.values()) <= 1
    if op.square(length) <= 100:
        a, b = all_pairs(op.square(length))
        there = int((problems.digits_are(op.answer(a, b), length) & problems.is_held_out(op, a, b)).sum())
        assert len(times) == min(n, there)
    else:
        assert len(times) == n


def test_a_problem_that_comes_again_comes_behind_other_examples():
    cell = held_out_prompts(ADDITION, 1, 400)
    assert cell["item"].n_unique() < 30
    assert cell["prompt"].n_unique() > 395


@named
def test_examples_have_answers_of_all_lengths_as_often(op):
    cell = held_out_prompts(op, 1, 3000)
    shown = [len(line.split("=")[1]) for prompt in cell["prompt"] for line in prompt.split("\n")[:2]]
    assert chisquare([shown.count(length) for length in op.lengths]).pvalue > 1e-3


@named
def test_the_seed_alone_decides_which_prompts_are_made(op):
    first, again, other = (held_out_prompts(op, 3, 200, seed) for seed in (0, 0, 1))
    assert first.equals(again)
    assert first["prompt"].to_list() != other["prompt"].to_list()
    assert not set(first["prompt_id"]) & set(other["prompt_id"])


@pytest.mark.parametrize("shots", [0, 1, 5])
def test_the_number_of_examples_is_a_choice(shots):
    prompts = held_out_prompts(ADDITION, 4, 50, shots=shots)["prompt"]
    assert {prompt.count("\n") for prompt in prompts} == {shots}
    assert {prompt.count("=") for prompt in prompts} == {shots + 1}


def test_more_prompts_than_problems_are_made_at_any_length():
    assert held_out_prompts(ADDITION, 3, 130_000).height == 130_000


# --- templates ---------------------------------------------------------------------------------------


@celled
def test_the_plain_template_writes_the_prompts_of_frozen_outputs_byte_by_byte(op, length):
    cell = held_out_prompts(op, length, 100)
    assert cell.equals(held_out_prompts(op, length, 100, template="plain"))
    assert cell.equals(held_out_prompts(op, length, 100, template="{a}{sign}{b}={answer}\n"))


FORMATS = {
    "plain": (r"{a}{s}{b}={c}\n", "{a}{s}{b}="),
    "spaced": (r"{a} {s} {b} = {c}\n", "{a} {s} {b} ="),
    "words": (r"Q: What is {a} {w} {b}\?\nA: {c}\n\n", "Q: What is {a} {w} {b}?\nA:"),
}


@named
@pytest.mark.parametrize("template", FORMATS)
def test_every_template_asks_the_same_problems_behind_the_same_examples(op, template):
    plain, cell = (held_out_prompts(op, 3, 80, template=name) for name in ("plain", template))
    assert cell.drop("prompt").equals(plain.drop("prompt"))
    word = {"*": "times", "+": "plus"}[op.sign]
    for row, ours in zip(plain.iter_rows(named=True), cell["prompt"], strict=True):
        solved, expected = FORMATS[template][0].replace("\\n", "\n").replace("\\?", "?"), ""
        *shown, asked = row["prompt"].split("\n")
        for example in shown:
            a, b, c = re.split(r"[*+=]", example)
            expected += solved.format(a=a, b=b, c=c, s=op.sign, w=word)
        a, b, _ = re.split(r"[*+=]", asked)
        assert ours == expected + FORMATS[template][1].format(a=a, b=b, s=op.sign, w=word)


def test_no_prompt_ends_in_a_space():
    for template in [*problems.TEMPLATES, "{a} {sign} {b} is  {answer};\n"]:
        assert not held_out_prompts(ADDITION, 2, 20, template=template)["prompt"].str.ends_with(" ").any()


def test_a_template_of_ones_own_may_hold_braces_of_its_own():
    own = "{{answer}} to {a} {sign} {b} -> {answer}.\n"
    prompt = held_out_prompts(ADDITION, 2, 1, template=own)["prompt"][0]
    assert re.fullmatch(r"(\{answer\} to \d+ \+ \d+ -> \d+\.\n){2}\{answer\} to \d+ \+ \d+ ->", prompt)


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("{a}{sign}{b}=", "lacks {answer}"),
        ("{a}{sign}={answer}", "lacks {b}"),
        ("plian", "lacks {a}: take one of plain, spaced, words"),
        ("{a}+{b}={answer} {c}", "holds {c}"),
        ("{answer}={a}+{b}", "before its one {answer}"),
        ("{a}+{b}={answer}{answer}", "before its one {answer}"),
        ("{a}+{b}={answer", "cannot be read"),
        ("{a:0>999999999}+{b}={answer}", "more than a name in {a...}"),
        ("{a}+{b}={answer:{x}}", "more than a name in {answer...}"),
        ("{a}+{b!r}={answer}", "more than a name in {b...}"),
    ],
)
def test_a_wrong_template_is_refused_and_the_error_says_what_is_wrong(template, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        held_out_prompts(ADDITION, 2, 5, template=template)
