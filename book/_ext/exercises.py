"""The directive of a question: ``{exercise}``, numbered on its page, with a name, a title and a level.

    ```{exercise} Nothing out of 32
    :name: none-of-32
    :level: warm-up
    How large may the rate be? Put it into `highest`.
    ```

What solves it stands below: a cell that is tagged ``solution`` and ends with ``check("none-of-32", highest)``,
or a dropdown *What a full answer holds* where a person has to judge. `tools/course.py` reads the same text.
"""

from __future__ import annotations

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

LEVELS = ("warm-up", "core", "open")
LABELS = {
    "en": ("Exercise", dict(zip(LEVELS, LEVELS)), ("Show the solution", "Hide the solution")),
    "zh_CN": ("练习", dict(zip(LEVELS, ("热身", "核心", "开放"))), ("显示解答", "隐藏解答")),
}


def level(argument: str) -> str:
    return directives.choice(argument, LEVELS)


class Exercise(SphinxDirective):
    """A question as an admonition; `page.html#exercise-NAME` leads to it."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"name": directives.unchanged_required, "level": level}

    def run(self) -> list[nodes.Node]:
        self.assert_has_content()
        if missing := {"name", "level"} - set(self.options):
            raise self.error(f"exercise {self.arguments[0]!r} lacks {', '.join(sorted(missing))}: give both")
        number = self.env.temp_data["exercise"] = self.env.temp_data.get("exercise", 0) + 1
        word, levels, _ = LABELS.get(self.env.config.language, LABELS["en"])
        box = nodes.admonition(classes=["exercise"], ids=[f"exercise-{self.options['name']}"])
        texts, messages = self.state.inline_text(self.arguments[0], self.lineno)
        box += nodes.title(self.arguments[0], "", *texts)
        # A line of its own, so that a translation of the title replaces the title only.
        label = f"{word} {number} · {levels[self.options['level']]}"
        box += nodes.paragraph("", label, classes=["exercise-label"], translatable=False)
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box, *messages]


def name_solutions(app: Sphinx, doctree: nodes.document) -> None:
    """Let the line that opens a folded solution say what is behind it."""
    show, hide = LABELS.get(app.config.language, LABELS["en"])[2]
    for cell in doctree.findall(nodes.container):
        if "tag_solution" in cell["classes"] and "prompt_show" in cell:
            cell["prompt_show"], cell["prompt_hide"] = show, hide


def setup(app: Sphinx) -> dict:
    app.add_directive("exercise", Exercise)
    app.add_css_file("exercises.css")
    app.connect("doctree-read", name_solutions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
