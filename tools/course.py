"""Make the notebooks of a course from the chapters: `make course` writes _build/course.

    .venv/bin/python -m tools.course                    all chapters with exercises
    .venv/bin/python -m tools.course idea/resolution    only these

`student/` has every chapter with its code and its questions and no solution; `teacher/` has the solutions and
what a full answer holds; `autograder/` has for each chapter a zip for otter-grader, which runs a student's
notebook and judges it by the same checks. A chapter is the only source of its exercises.
"""

import argparse
import ast
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from mirage_lib.exercises import EXERCISES
from tools import notebooks
from tools.plain_markdown import Page

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "_build" / "course"
RUBRIC = "What a full answer holds"
FOLDED = "Each solution is hidden below its question. "
BY_HAND = 2
"""Points of an exercise that a person judges."""
BLOCK = re.compile(r"^(?P<fence>`{3,})\{(?P<kind>[\w-]+)\}(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ ]*$\n?", re.M | re.S)
OPTIONS = re.compile(r"(?:^:[\w-]+:[^\n]*\n)+", re.M)
ABOUT = {
    "student": """\
*This is a chapter of the book with its exercises. Run its cells from top to bottom. In the exercises, put your answers
where the dots are, and run the cell with `check` below: it says whether an answer is right and, if it is not, what may
have gone wrong. Answers in words are read by a person.*""",
    "teacher": """\
*This is a chapter of the book with its exercises, their solutions, and what a full answer in words holds. Students get
the notebook of the same name without these.*""",
}
WORDS = "+++\n\n*Your answer:*\n\n+++"
PRACTICE = "# Room for your code\n..."
JUDGE = '''\
OK_FORMAT = False

from otter.test_files import test_case

name = "{name}"
points = {points}


@test_case()
def test_answer({variables}):
    from mirage_lib.exercises import check

    verdict = check("{name}", {answer})
    assert verdict.right, verdict.message
'''


class NotAnExercise(ValueError):
    """A chapter's exercises are not written as the course needs them."""


@dataclass
class Question:
    """One exercise of a chapter.

    Parameters
    ----------
    name, title, level : as the chapter gives them
    text : what is asked, as MyST
    code : the solution's code without its check; empty where there is none
    answer : what is handed to the check, as source; empty where a person judges
    variables : the names in it, which a student fills
    rubric : what a full answer holds, as MyST; empty where only the check judges
    """

    name: str
    title: str
    level: str
    text: str
    code: str = ""
    answer: str = ""
    variables: list[str] = field(default_factory=list)
    rubric: str = ""

    @property
    def points(self) -> int:
        return EXERCISES[self.name].points if self.answer else BY_HAND


def section(source: str) -> tuple[int, int]:
    """Where a chapter's exercises begin and end.

    >>> section("# A\\n\\n## Exercises\\n\\nOne.\\n\\n## What to read\\n")
    (5, 25)
    """
    start = source.find("## Exercises\n")
    end = source.find("\n## ", start + 1) + 1
    return (start, end if end > 0 else len(source)) if start >= 0 else (len(source), len(source))


def questions(source: str) -> list[Question]:
    """Read the exercises of a chapter.

    Raises
    ------
    NotAnExercise
        If a solution has no question, a check is not of its question, or a question has neither.

    >>> asked = "```{exercise} Sum\\n:name: sum\\n:level: core\\nAdd.\\n```\\n"
    >>> solved = "```{code-cell} ipython3\\n:tags: [hide-cell, solution]\\ntotal = 3\\ncheck('sum', total)\\n```\\n"
    >>> [(q.name, q.code, q.variables) for q in questions("## Exercises\\n" + asked + solved)]
    [('sum', 'total = 3', ['total'])]
    """
    found: list[Question] = []
    start, end = section(source)
    for block in BLOCK.finditer(source, start, end):
        options, body = opened(block["body"])
        if block["kind"] == "exercise":
            found.append(Question(options["name"], block["title"].strip(), options["level"], body.strip()))
        elif is_solution(block["kind"], options):
            of = last(found, block)
            of.code, check = parted(body)
            if check is not None:
                name, of.answer, of.variables = asked(check)
                if name != of.name:
                    raise NotAnExercise(f"the solution of {of.name!r} checks {name!r}: give the question's name")
        elif block["kind"] == "dropdown" and block["title"].strip() == RUBRIC:
            last(found, block).rubric = block["body"].strip()
    for one in found:
        if not (one.answer or one.rubric):
            raise NotAnExercise(f"{one.name!r} has neither a check nor a dropdown {RUBRIC!r}: write one")
    return found


def opened(body: str) -> tuple[dict[str, str], str]:
    """Part a block's options from its text."""
    hit = OPTIONS.match(body)
    lines = hit[0].splitlines() if hit else []
    options = {name: value.strip() for name, value in (line[1:].split(":", 1) for line in lines)}
    return options, body[hit.end() if hit else 0 :]


def is_solution(kind: str, options: dict[str, str]) -> bool:
    return kind == "code-cell" and "solution" in re.findall(r"[\w-]+", options.get("tags", ""))


def last(found: list[Question], block: re.Match) -> Question:
    if not found:
        raise NotAnExercise(f"there is no question above {block[0].splitlines()[0]!r}")
    return found[-1]


def parted(code: str) -> tuple[str, str | None]:
    """Part a solution from its check, the last line.

    >>> parted("x = 1\\ncheck('one', x)\\n")
    ('x = 1', "check('one', x)")
    """
    lines = code.strip("\n").split("\n")
    if lines[-1].startswith("check("):
        return "\n".join(lines[:-1]).rstrip(), lines[-1]
    return "\n".join(lines), None


def asked(check: str) -> tuple[str, str, list[str]]:
    """The exercise's name, the answer as source, and the variables in it.

    >>> asked("check('two', [low, high])")
    ('two', '[low, high]', ['low', 'high'])
    """
    call = ast.parse(check, mode="eval").body
    name, answer = call.args
    variables = [node.id for node in ast.walk(answer) if isinstance(node, ast.Name)]
    if not isinstance(answer, ast.Name | ast.List) or not variables:
        raise NotAnExercise(f"{check!r}: check takes a name and a variable, or a list of variables")
    return ast.literal_eval(name), ast.unparse(answer), variables


def version(source: str, teacher: bool) -> str:
    """A chapter's text as students or teachers get it, still as MyST."""
    start, end = section(source)
    by_name = {question.name: question for question in questions(source)}
    current: list[Question] = []

    def replaced(block: re.Match) -> str:
        options, body = opened(block["body"])
        if block["kind"] == "exercise":
            one = by_name[options["name"]]
            current[:] = [one]
            said = f"*{one.points} point{'s' * (one.points > 1)}, {'checked' if one.answer else 'read by a person'}.*"
            head = f"{block['fence']}{{exercise}}{block['title']}\n:name: {one.name}\n:level: {one.level}\n"
            return f"{head}{body}\n{said}\n{block['fence']}\n"
        if is_solution(block["kind"], options):
            one = current[-1]
            blank = "\n".join(f"{name} = ..." for name in one.variables) or PRACTICE
            cells = cell(one.code if teacher else blank, "answer")
            return cells + ("\n" + cell(f'check("{one.name}", {one.answer})', "check") if one.answer else "")
        if block["kind"] == "dropdown" and block["title"].strip() == RUBRIC:
            room = "" if current[-1].answer else f"{WORDS}\n"
            return room + (f"\n{block[0]}" if teacher else "")
        return block[0]

    written = BLOCK.sub(replaced, source[start:end])
    return source[:start] + (written if teacher else written.replace(FOLDED, "")) + source[end:]


def cell(code: str, tag: str) -> str:
    return f"```{{code-cell}} ipython3\n:tags: [{tag}]\n{code}\n```\n"


def notebook(page: Page, teacher: bool, address: str) -> nbformat.NotebookNode:
    """Make a chapter's notebook for students or for teachers.

    A cell with a check names its test, so that the autograder judges the answer as it is at that place.
    """
    kind = "teacher" if teacher else "student"
    text = version(page.source, teacher)
    made = nbformat.reads(notebooks.make(Page(page.name, text, page.places, page.works, page.parts), address), 4)
    made.cells[0].source = re.sub(r"\A#[^\n]*\n", f"# Made from {page.name}.md by `make course`.\n", made.cells[0].source)
    made.cells[1].source = ABOUT[kind]
    for one in made.cells:
        if "check" in one.metadata.get("tags", []):
            one.metadata["otter"] = {"tests": [asked(one.source)[0]]}
    return made


def write_autograder(page_questions: list[Question], path: Path, address: str) -> None:
    """Write a zip for otter-grader: one test an exercise, each calling the exercise's own check."""
    from otter import generate

    with tempfile.TemporaryDirectory() as folder:
        tests = Path(folder, "tests")
        tests.mkdir()
        for one in page_questions:
            if one.answer:
                said = JUDGE.format(name=one.name, points=one.points, variables=", ".join(one.variables), answer=one.answer)
                (tests / f"{one.name}.py").write_text(said, encoding="utf-8")
        needs = Path(folder, "requirements.txt")
        source = f"mirage-lib[{notebooks.EXTRAS}] @ git+{address}"
        needs.write_text(source if notebooks.is_set(address) else f"# set repository.url in _config.yml: {source}", encoding="utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        generate.main(
            tests_dir=str(tests), output_path=str(path), requirements=str(needs), no_environment=True, no_config=True
        )


def everything(only: list[str]) -> list[Page]:
    """The chapters with exercises, or those that are named."""
    there, works, parts = notebooks.places(), notebooks.works(), notebooks.parts()
    chapters = {name.removeprefix("book/"): name for name in there if "\n```{exercise}" in notebooks.source(name)}
    if unknown := set(only) - set(chapters):
        raise NotAnExercise(f"no chapter with exercises is called {', '.join(sorted(unknown))}: there are {', '.join(chapters)}")
    return [Page(name, notebooks.source(name), there, works, parts) for short, name in chapters.items() if not only or short in only]


def make(page: Page, here: Path, address: str) -> list[Question]:
    """Write a chapter's two notebooks and its autograder; return its exercises."""
    asked_here, short = questions(page.source), page.name.removeprefix("book/")
    for teacher, folder in ((False, "student"), (True, "teacher")):
        path = here / folder / f"{short}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook(page, teacher, address), path)
    write_autograder(asked_here, here / "autograder" / f"{short}.zip", address)
    return asked_here


README = """\
# The course

Made from the chapters by `make course`. Nothing here is edited by hand.

- `student/`: give these out. Each is a chapter with its code, its questions and room for answers.
- `teacher/`: the same with solutions, and what a full answer in words holds.
- `autograder/`: one zip a chapter for [otter-grader](https://otter-grader.readthedocs.io). Its tests call the same
  checks that students call.

Grade one notebook on this machine, without a network, from the folder of the repository:
`.venv/bin/otter run -a _build/course/autograder/idea/resolution.zip submitted.ipynb` writes `results.json` with the
points and the messages. *Teaching with this book* has the loop for a class. Answers in words are read by a person.
In Gradescope, upload the zip as the autograder of a programming assignment{address}
For nbgrader, release the notebooks of `student/` as they are and grade with otter: they hold no solution to strip.

| chapter | exercise | level | points | judged |
|---|---|---|---|---|
{rows}

{total} exercises, {checked} of them checked; {points} points, {checked_points} of them given by the checks.
"""


def overview(made: dict[str, list[Question]], address: str) -> str:
    """What a teacher reads first: the exercises with their points."""
    rows = [(short, one) for short, every in made.items() for one in every]
    by_check = [one for _, one in rows if one.answer]
    return README.format(
        rows="\n".join(f"| {c} | {q.title} | {q.level} | {q.points} | {'check' if q.answer else 'person'} |" for c, q in rows),
        address="." if notebooks.is_set(address) else "; set `repository.url` in `_config.yml` first, so that it can install the library.",
        total=len(rows), checked=len(by_check), points=sum(q.points for _, q in rows), checked_points=sum(q.points for q in by_check),
    )  # fmt: skip


def main(arguments: list[str]) -> str | None:
    """Write the course; return a complaint, if there is one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="such as idea/resolution; all where none is named")
    options = parser.parse_args(arguments)
    address = notebooks.repository()
    try:
        made = {page.name.removeprefix("book/"): make(page, HERE, address) for page in everything(options.chapters)}
    except (NotAnExercise, notebooks.NotPlain) as error:
        return str(error)
    (HERE / "README.md").write_text(overview(made, address), encoding="utf-8")
    print(f"{len(made)} chapters, {sum(map(len, made.values()))} exercises in {HERE.relative_to(ROOT)}")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
