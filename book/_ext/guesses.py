"""The directive ``{guess}``: a question, what may be answered, and the answer, folded.

On the page it is plain HTML: the question, the options as a list or the span of a number, and the answer
in a ``<details>``. ``guess.js`` makes native controls of it and opens the answer once a guess is made.

    ````{guess} How many questions does it need?
    :name: needed
    :number: 1 100000
    :scale: log
    :unit: questions
    :truth: needed

    What comes here is the answer.
    ````

Without ``number`` the body starts with a bullet list: the options, called (a), (b) and so on. ``truth``
is the key of a glued number (or, for options, of glued letters), so that it is computed with the chapter.
For options a letter may stand there itself where nothing has to be computed to know it.
"""

from __future__ import annotations

import ast
import re

from docutils import nodes
from docutils.parsers.rst import directives
from myst_nb.core.variables import RetrievalError
from myst_nb.ext.glue.utils import retrieve_glue_data
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mirage_lib.show import guesses

LETTERS = "abcdefgh"


class Guess(nodes.General, nodes.Element):
    """A question with its options or its span, and the answer."""


class Answer(nodes.General, nodes.Element):
    """What stays folded until a guess is made."""


class GuessDirective(SphinxDirective):
    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {
        "name": directives.unchanged_required,
        "truth": directives.unchanged_required,
        "number": directives.unchanged_required,
        "step": float,
        "scale": lambda value: directives.choice(value, ("linear", "log")),
        "unit": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        if "name" not in self.options:
            raise self.error("a guess needs a :name:, unique on its page, under which it is remembered")
        said, messages = self.state.inline_text(self.arguments[0], self.lineno)
        question = nodes.paragraph(self.arguments[0], "", *said, classes=["mirage-question"])
        self.set_source_info(question)  # With its text and place it can be translated.
        body = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, body)
        if "number" in self.options:
            asked, data = self._number()
        else:
            if not body.children or not isinstance(body[0], nodes.bullet_list):
                raise self.error("a guess without :number: starts with a bullet list, its options")
            asked, data = self._choice(body.pop(0))
        whole = Guess(name=self.options["name"], data=guesses.encoded(data))
        whole += [question, asked, Answer("", *body.children)]
        self.set_source_info(whole)
        return [whole, *messages]

    def _choice(self, listed: nodes.bullet_list) -> tuple[nodes.Node, dict]:
        letters = LETTERS[: len(listed)]
        right = self.options.get("truth", "")
        if right not in tuple(letters):
            right = str(self._glued())
        found = re.findall(r"\b[a-z]\b", right)
        if any(letter not in letters for letter in found):
            raise self.error(f"the right options of the guess are {right!r}; there are only {', '.join(letters)}")
        options = nodes.enumerated_list(
            "", *listed.children, enumtype="loweralpha", prefix="(", suffix=")", classes=["mirage-options"]
        )
        return options, {"kind": "choice", "right": found}

    def _number(self) -> tuple[nodes.Node, dict]:
        least, most = (float(word) for word in self.options["number"].split())
        step, unit = self.options.get("step", 1.0), self.options.get("unit", "")
        values = guesses.values(least, most, step, self.options.get("scale", "linear"))
        truth = self._glued()
        span = nodes.paragraph("", f"A number from {least:,.12g} to {most:,.12g} {unit}".strip() + ".", classes=["mirage-span"])
        return span, guesses.number_data(values, None if truth is None else float(truth), unit)

    def _glued(self) -> object:
        """Return the glued value; nothing where the cells of the page were not run."""
        key = self.options.get("truth")
        if key is None:
            return None
        try:
            text = retrieve_glue_data(self.state.document, key).data["text/plain"]
        except RetrievalError:
            if not self.state.document.get("nb_renderer") or not _executed(self.state.document):
                return None
            raise self.error(f"no cell of this page glues {key!r}, the answer to the guess") from None
        return ast.literal_eval(re.sub(r"^np\.\w+\((.*)\)$", r"\1", text))


def _executed(document: nodes.document) -> bool:
    return bool(document["nb_renderer"].renderer.nb_client.glue_data)


def open_guess(translator, node: Guess) -> None:
    translator.body.append(guesses.opening(node["name"], node["data"]))


def close_guess(translator, node: Guess) -> None:
    translator.body.append("</div>\n")


def open_answer(translator, node: Answer) -> None:
    translator.body.append(guesses.OPEN_ANSWER)


def close_answer(translator, node: Answer) -> None:
    translator.body.append(guesses.CLOSE_ANSWER)


def nothing(translator, node: nodes.Node) -> None:
    """Builders without HTML show the children as they are."""


def setup(app: Sphinx) -> dict:
    plain = {name: (nothing, nothing) for name in ("latex", "text", "man", "texinfo")}
    app.add_node(Guess, html=(open_guess, close_guess), **plain)
    app.add_node(Answer, html=(open_answer, close_answer), **plain)
    app.add_directive("guess", GuessDirective)
    app.add_css_file("guess.css")
    app.add_js_file("guess.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
