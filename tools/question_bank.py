"""The question bank: check it, and write a quiz with its key, neither of which is on the site.

    .venv/bin/python -m tools.question_bank         check, then a quiz of 12 questions
    .venv/bin/python -m tools.question_bank --n 6 --seed 3 --level 1 2 --chapter idea vision/grokking

Questions are in `teaching/question-bank/<part>.toml`, one table `[[question]]` each; its README says which
fields there are. A number in an answer is not believed: `compute` is an expression over the library that
has to give it, to as many digits as are printed.
"""

import argparse
import html
import math
import random
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from markdown_it import MarkdownIt

from mirage_lib import curves, emergence, subsets, theory
from mirage_lib.analyses import base_rates, choices, lengths, score_noise
from mirage_lib.arithmetic import prices, problems
from tools import slides

ROOT = Path(__file__).resolve().parent.parent
BANK = ROOT / "teaching" / "question-bank"
KINDS = {
    "choice": "Multiple choice",
    "short": "Short answer",
    "calculate": "Calculate",
    "critique": "Judge a figure",
}
LEVELS = {1: "uses", 2: "explains", 3: "judges"}
NEEDED = {"id", "kind", "chapter", "level", "minutes", "goal", "text", "answer"}
ALSO = {"choices", "number", "compute", "figure"}
LEAST_PER_CHAPTER = 3
MODULES = (base_rates, choices, curves, emergence, lengths, score_noise, subsets, theory, prices, problems)
NAMES = {module.__name__.rpartition(".")[2]: module for module in MODULES} | {"math": math, "np": np}
"""What an expression of `compute` may use."""
STYLE = """
body { color: #111; font: 11pt/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 46em; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.1em; margin: 1.5em 0 .3em; }
.about { color: #444; font-size: .85em; } .room { border-bottom: 1px solid #999; height: 5em; }
ol.choices { list-style: upper-alpha; } li { margin: .3em 0; }
section { break-inside: avoid; } figure { margin: .5em 0; } svg { height: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: .9em; } th, td { border-bottom: 1px solid #999; padding: .2em .8em .2em 0; text-align: left; }
caption, figcaption { caption-side: bottom; font-size: .85em; text-align: left; }
@page { margin: 2cm; }
"""


@dataclass(frozen=True)
class Question:
    """One question of the bank.

    Attributes
    ----------
    id, chapter, goal : str
        Its name, the chapter as in `_toc.yml` without `book/`, and what somebody shows who can answer.
    kind : str
        One of :data:`KINDS`.
    level, minutes : int
        A key of :data:`LEVELS`, and the time that it takes.
    text, answer : str
        Markdown.
    choices : tuple of dict
        For a choice: `text`, `why`, and `right = true` for one of them.
    number, compute : str
        A number as the answer prints it, and the expression that gives it; empty where there is none.
    figure : str
        `chapter: words of its caption`; empty where there is none.
    """

    id: str
    kind: str
    chapter: str
    level: int
    minutes: int
    goal: str
    text: str
    answer: str
    choices: tuple[dict, ...] = ()
    number: str = ""
    compute: str = ""
    figure: str = ""


def load(folder: Path = BANK) -> list[Question]:
    """Read all questions of a folder, file by file.

    Raises
    ------
    ValueError
        For a field that is missing or unknown, with the question's id.
    """
    found = []
    for path in sorted(folder.glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["question"]:
            name = f"{path.name}: {entry.get('id', 'a question without id')}"
            if missing := NEEDED - entry.keys():
                raise ValueError(f"{name} lacks {', '.join(sorted(missing))}")
            if unknown := entry.keys() - NEEDED - ALSO:
                raise ValueError(f"{name} has {', '.join(sorted(unknown))}; known are {', '.join(sorted(NEEDED | ALSO))}")
            found.append(Question(**entry | {"choices": tuple(entry.get("choices", ()))}))
    return found


def chapters(toc: Path = ROOT / "_toc.yml") -> list[str]:
    """The chapters of the course, which the bank has to cover: those with exercises."""
    parts = yaml.safe_load(toc.read_text(encoding="utf-8"))["parts"]
    files = [chapter["file"].removeprefix("book/") for part in parts for chapter in part["chapters"]]
    book = toc.parent / "book"
    return [file for file in files if "\n```{exercise}" in (book / f"{file}.md").read_text(encoding="utf-8")]


def evaluate(expression: str) -> float:
    """What an expression over the library gives.

    >>> round(evaluate("theory.accuracy(0.9, 5)"), 2)
    0.59
    """
    return float(eval(expression, dict(NAMES)))


def agrees(printed: str, value: float) -> bool:
    """Whether a value, rounded to as many digits as are printed, is the printed number.

    >>> agrees("0.59", 0.59049), agrees("3.7 %", 0.03699), agrees("1,537", 1536.6), agrees("0.6", 0.5)
    (True, True, True, False)

    Raises
    ------
    ValueError
        If the text is no number.
    """
    plain = printed.replace(",", "").replace("−", "-").strip()
    share = plain.endswith("%")
    plain = plain.rstrip("% ")
    mantissa, _, power = plain.lower().partition("e")
    unit = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2])) / (100 if share else 1)
    return abs(float(plain) / (100 if share else 1) - value) <= unit / 2 * (1 + 1e-6)


def complaints(bank: Iterable[Question], covered: Iterable[str]) -> list[str]:
    """Everything that is wrong with the questions; empty if nothing is.

    Parameters
    ----------
    covered : chapters that need at least :data:`LEAST_PER_CHAPTER` questions
    """
    bank, covered = list(bank), list(covered)
    found = [f"no two questions may be called {name!r}" for name in {q.id for q in bank} if sum(q.id == name for q in bank) > 1]
    for chapter in covered:
        if (count := sum(q.chapter == chapter for q in bank)) < LEAST_PER_CHAPTER:
            found.append(f"chapter {chapter!r} has {count} questions: at least {LEAST_PER_CHAPTER}")
    for question in bank:
        found += [f"{question.id}: {text}" for text in _faults(question, covered)]
    return found


def _faults(question: Question, covered: list[str]) -> list[str]:
    found = []
    if question.kind not in KINDS:
        found.append(f"kind {question.kind!r} is none of {', '.join(KINDS)}")
    if question.level not in LEVELS:
        found.append(f"level {question.level!r} is none of {', '.join(map(str, LEVELS))}")
    if question.chapter not in covered:
        found.append(f"there is no chapter {question.chapter!r}")
    if not 1 <= question.minutes <= 30:
        found.append(f"{question.minutes} minutes: from 1 to 30")
    if question.kind == "choice":
        if len(question.choices) < 3 or sum(bool(c.get("right")) for c in question.choices) != 1:
            found.append("a choice has three or more choices, exactly one of them right")
        if any(not c.get("text") or not c.get("why") for c in question.choices):
            found.append("every choice has a text and says why it is right or wrong")
    if question.kind == "calculate" and not question.compute:
        found.append("a calculation names the expression that gives its number")
    if question.kind == "critique" and not question.figure:
        found.append("a critique names its figure")
    if bool(question.number) != bool(question.compute):
        found.append("number and compute come together")
    if question.compute:
        right = " ".join(c["text"] for c in question.choices if c.get("right"))
        if question.number not in f"{question.answer} {right}":
            found.append(f"{question.number!r} does not stand in the answer")
        try:
            if not agrees(question.number, value := evaluate(question.compute)):
                found.append(f"the answer prints {question.number}, {question.compute} gives {value:.6g}")
        except Exception as error:  # An expression can fail in any way; the author wants to know in which.
            found.append(f"{question.compute} fails: {type(error).__name__}: {error}")
    return found


def choose(bank: Iterable[Question], n: int, seed: int) -> list[Question]:
    """Draw questions, one chapter after the other, so that no chapter has two before each has one.

    Raises
    ------
    ValueError
        If there are fewer than ``n``.
    """
    dice = random.Random(seed)
    piles: dict[str, list[Question]] = {}
    for question in bank:
        piles.setdefault(question.chapter, []).append(question)
    if (count := sum(map(len, piles.values()))) < n or n < 1:
        raise ValueError(f"cannot draw {n} questions: {count} fit, so ask for 1 to {count}, or for more chapters or levels")
    for pile in piles.values():
        dice.shuffle(pile)
    order, drawn = sorted(piles), []
    while len(drawn) < n:
        dice.shuffle(order)
        drawn += [piles[chapter].pop() for chapter in order if piles[chapter]]
    return sorted(drawn[:n], key=lambda question: (question.level, question.chapter, question.id))


def sheets(questions: list[Question], seed: int, site: Path) -> tuple[str, str]:
    """Write a quiz and its key as HTML pages that ask for nothing outside themselves.

    Parameters
    ----------
    site : folder
        The built pages, for the figures.

    Raises
    ------
    LookupError
        If a figure is not there.
    """
    markdown, quiz, key = MarkdownIt(), [], []
    say, brief = markdown.render, markdown.renderInline
    for number, question in enumerate(questions, start=1):
        dice = random.Random(f"{seed} {question.id}")
        shuffled = dice.sample(question.choices, len(question.choices))
        head = f"<h2>{number}. {KINDS[question.kind]}</h2>"
        room = '<div class="room"></div>'
        if shuffled:
            offered = "".join(f"<li>{brief(choice['text'])}</li>" for choice in shuffled)
            room = f'<ol class="choices">{offered}</ol>'
        about = f'<p class="about">{question.minutes} minutes</p>'
        quiz.append(f"<section>{head}{about}{say(question.text)}{_figure(question, number, site)}{room}</section>")
        why = "".join(f"<li>{'<b>right:</b> ' * bool(c.get('right'))}{brief(c['why'])}</li>" for c in shuffled)
        key.append(
            f'<section>{head}<p class="about">{question.id}; {question.chapter}; level {question.level}, '
            f"{LEVELS[question.level]}; goal: {html.escape(question.goal)}</p>{say(question.text)}"
            f"{say('**Answer.** ' + question.answer)}" + (f'<ol class="choices">{why}</ol>' if why else "") + "</section>"
        )
    total = sum(question.minutes for question in questions)
    return (
        _page(f"Quiz {seed}", f"{len(questions)} questions, about {total} minutes. Name:", quiz),
        _page(f"Key to quiz {seed}", "Not for students.", key),
    )


def _figure(question: Question, number: int, site: Path) -> str:
    if not question.figure:
        return ""
    chapter, _, wanted = question.figure.partition(": ")
    path = site / "book" / f"{chapter}.html"
    if not path.exists():
        raise LookupError(f"{question.id}: no built page {path}; run `make book` first")
    try:
        return slides.adapt(slides.find(path.read_text(encoding="utf-8"), wanted), f"q{number}")
    except LookupError as error:
        raise LookupError(f"{question.id}, chapter {chapter}: {error.args[0]}") from None


def _page(title: str, lead: str, sections: list[str]) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
        f"<body><main><h1>{title}</h1><p>{lead}</p>{''.join(sections)}</main></body></html>\n"
    )


def main(arguments: list[str]) -> str | None:
    """Check the bank and write a quiz; return a complaint if either cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=12, help="number of questions")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws another quiz")
    parser.add_argument("--chapter", nargs="+", default=[""], help="only of these, such as idea or vision/grokking")
    parser.add_argument("--level", type=int, nargs="+", default=list(LEVELS), help="only of these levels")
    parser.add_argument("--site", type=Path, default=slides.SITE, help="the built pages, for the figures")
    parser.add_argument("--output", type=Path, default=ROOT / "_build" / "question-bank")
    options = parser.parse_args(arguments)
    try:
        bank = load()
        if found := complaints(bank, chapters()):
            return "\n".join(["The question bank is not in order:", *found])
        wanted = [q for q in bank if q.level in options.level and q.chapter.startswith(tuple(options.chapter))]
        if not wanted:
            return f"No question fits. There are chapters {', '.join(chapters())} and levels {', '.join(map(str, LEVELS))}."
        quiz, key = sheets(choose(wanted, options.n, options.seed), options.seed, options.site)
    except (LookupError, ValueError) as error:
        return f"No quiz: {error.args[0]}"
    options.output.mkdir(parents=True, exist_ok=True)
    print(f"{len(bank)} questions on {len({q.chapter for q in bank})} chapters are in order.")
    for name, text in (("quiz", quiz), ("key", key)):
        path = options.output / f"{name}-{options.seed}.html"
        path.write_text(text, encoding="utf-8")
        print(path)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
