"""MyST Markdown as the Markdown that JupyterLab and Colab show.

A chapter's prose is MyST: roles, directives and links between pages, which only Sphinx understands. Here
each becomes what it stands for. What is not known here fails by its name; it never passes through.
"""

import html
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from pybtex.database import BibliographyData, Person
from pybtex.richtext import Text

from mirage_lib.show.notebook import SLOT

ROOT = Path(__file__).resolve().parent.parent
BOXES = ("admonition", "note", "tip", "hint", "important", "warning", "caution", "seealso")
OPENING = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,}|~{3,}|:{3,})(?P<rest>.*)$")
DIRECTIVE = re.compile(r"^\{(?P<name>[\w:-]+)\}\s*(?P<title>.*)$")
OPTION = re.compile(r"^:(?P<name>[\w-]+):\s*(?P<value>.*)$")
ROLE = r"\{(?P<role>[A-Za-z][\w:.-]*)\}(?P<tick>`+)(?P<said>.+?)(?P=tick)(?!`)"
TOKEN = re.compile(
    rf"{ROLE}"
    r"|(?P<code>(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<math>\$\$.+?\$\$|(?<![\\$])\$(?:\\.|[^$\\])+?\$)"
    r"|(?P<link>!?\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)(?P<attributes>\{[^{}]*\})?)",
    re.DOTALL,
)
LEFT_OVER = re.compile(r"\{[A-Za-z][\w:.-]*\}`|\{\{|\]\{[.#%]|^\(\S+\)=$", re.MULTILINE)


class NotPlain(ValueError):
    """A chapter holds something that nobody said how to show in a notebook."""


@dataclass
class Page:
    """What turning one page needs to know.

    Parameters
    ----------
    name : as in `_toc.yml`, such as `book/idea/resolution`
    source : the page's whole text
    places : names of the pages that become notebooks, with the notebooks' paths
    works : the bibliography
    parts : captions of the book's parts, with the names of their pages
    """

    name: str
    source: str
    places: dict[str, str]
    works: BibliographyData
    parts: dict[str, list[str]] = field(default_factory=dict)
    exercises: int = field(default=0, init=False)

    def equation(self, label: str) -> int:
        """The number of a labelled formula on this page."""
        labels = re.findall(r"^:label:\s*(\S+)", self.source, re.MULTILINE)
        if label not in labels:
            raise NotPlain(f"{self.name}: no formula is labelled {label!r}")
        return labels.index(label) + 1


def blocks(text: str, page: Page) -> list[tuple[str, str]]:
    """Turn a stretch of prose into plain blocks.

    Returns
    -------
    Pairs of a kind and a text. `markdown`: to be shown as it is; `slots`: Markdown with slots for computed
    values; `code`: Python that only notebooks run.

    Raises
    ------
    NotPlain
        If a directive, a role or other MyST is not known, named with its page.
    """
    found: list[tuple[str, str]] = []
    for kind, part in _apart(text, page):
        if kind == "code":
            found.append((kind, part))
            continue
        for plain in filter(str.strip, _block(kind, part, page)):
            shown = "slots" if SLOT.search(plain) else "markdown"
            if found and found[-1][0] == shown:
                plain = f"{found.pop()[1]}\n\n{plain}"
            found.append((shown, plain))
    return found


def _apart(text: str, page: Page):
    """Yield paragraphs, fenced blocks, directives and `code` (a fence below the comment `% notebook cell`)."""
    lines, paragraph, for_notebook = text.split("\n"), [], False
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if opened := OPENING.match(line):
            if paragraph:
                yield "paragraph", "\n".join(paragraph)
                paragraph = []
            body, closing = [], re.compile(rf"^\s*{re.escape(opened['fence'][0])}{{{len(opened['fence'])},}}\s*$")
            while at < len(lines) and not closing.match(lines[at]):
                body.append(lines[at].removeprefix(opened["indent"]))
                at += 1
            if at == len(lines):
                raise NotPlain(f"{page.name}: the fence {line.strip()!r} is not closed")
            at += 1
            if for_notebook:
                yield "code", "\n".join(body)
            elif opened["rest"].lstrip().startswith("{"):
                yield "directive", "\n".join([opened["indent"] + opened["rest"].strip(), *body])
            else:
                yield "fence", "\n".join([line, *(opened["indent"] + part for part in body), lines[at - 1]])
            for_notebook = False
        elif line.startswith("%"):
            for_notebook = line.strip() == "% notebook cell"
        elif not line.strip():
            if paragraph:
                yield "paragraph", "\n".join(paragraph)
            paragraph = []
        else:
            paragraph.append(line)
    if paragraph:
        yield "paragraph", "\n".join(paragraph)


def _block(kind: str, text: str, page: Page) -> list[str]:
    if kind == "paragraph":
        return [inline(text, page)]
    if kind == "fence":
        return [text]
    first, *body = text.split("\n")
    indent = first[: len(first) - len(first.lstrip())]
    head = DIRECTIVE.match(first.strip())
    if head is None:
        raise NotPlain(f"{page.name}: {first.strip()!r} opens no directive")
    options = {}
    while body and (option := OPTION.match(body[0].strip())):
        options[option["name"]] = option["value"]
        body = body[1:]
    within = "\n".join(body).strip("\n")
    if head["name"] == "guess":
        plain = _guess(head["title"].strip(), options, within, page)
    else:
        plain = [directive(head["name"], head["title"].strip(), options, within, page)]
    return ["\n".join(indent + line if line else line for line in part.split("\n")) for part in plain]


def directive(name: str, title: str, options: dict[str, str], body: str, page: Page) -> str:
    """Turn one directive into plain Markdown."""
    within = lambda: "\n\n".join(text for _, text in blocks(body, page))  # noqa: E731
    if name == "math":
        tag = f" \\tag{{{page.equation(options['label'])}}}" if "label" in options else ""
        return f"$$\n{body}{tag}\n$$"
    if name == "dropdown" or name == "admonition" and "dropdown" in options.get("class", "").split():
        return _folded(title or "More", within(), page)
    if name in BOXES:
        return _box(f"**{inline(title, page) if title else name.capitalize()}**", within())
    if name == "exercise":
        page.exercises += 1
        return _box(f"**Exercise {page.exercises} · {inline(title, page)}** *({options['level']})*", within())
    if name == "book-map":
        return "\n\n".join(f"**{caption}**\n\n{_listed(names, page)}" for caption, names in page.parts.items())
    if name == "reading-path":
        if "*" in body:  # On the page, too, the list of such a path is left to the map.
            return "*These are the chapters of the map, in its order.*"
        return _listed(body.split(), page)
    if name == "sample-report":
        return "*The site has a finished report on these thirteen models; `mirage audit --demo` writes the same.*"
    if name == "code-block":
        return f"```{title}\n{body}\n```"
    raise NotPlain(f"{page.name}: nobody said how to show the directive {{{name}}} in a notebook: say it in "
                   "tools/plain_markdown.py")  # fmt: skip


def _guess(question: str, options: dict[str, str], body: str, page: Page) -> list[str]:
    """A question with its options or span, and its answer, folded: apart, since the answer may be computed."""
    if "number" in options:
        least, most = (float(word) for word in options["number"].split())
        asked, answer = f"A number from {least:,.12g} to {most:,.12g} {options.get('unit', '')}".strip() + ".", body
    else:
        listed = re.match(r"(?:(?:- .*|[ ]+\S.*|)(?:\n|$))*", body)[0]
        answer, letters = body[len(listed) :], iter("abcdefgh")
        asked = inline(re.sub(r"^- ", lambda _: f"- ({next(letters)}) ", listed.strip(), flags=re.MULTILINE), page)
    said = "\n\n".join(text for _, text in blocks(answer, page))
    return [f"**Your guess: {inline(question, page)}**\n\n{asked}", _folded("The answer", said, page)]


def _listed(names: list[str], page: Page) -> str:
    """Pages as a numbered list of links, each called by its heading."""
    lines = []
    for number, name in enumerate(names, 1):
        if not (ROOT / f"{name}.md").is_file():
            raise NotPlain(f"{page.name}: the book has no page {name!r}")
        heading = re.search(r"^# (.+)$", (ROOT / f"{name}.md").read_text(encoding="utf-8"), re.MULTILINE)[1]
        to = os.path.relpath(f"{name}.md", os.path.dirname(page.name)).replace(os.sep, "/")
        lines.append(f"{number}. [{inline(heading, page)}]({link(to, page)})")
    return "\n".join(lines)


def _box(head: str, body: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in f"{head}\n\n{body}".split("\n"))


def _folded(title: str, body: str, page: Page) -> str:
    said = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(inline(title, page), quote=False))
    return f"<details>\n<summary>{said}</summary>\n\n{body}\n\n</details>"


def inline(text: str, page: Page) -> str:
    """Turn the roles and links of a paragraph into plain Markdown.

    >>> page = Page("book/idea/here", "", {"book/idea/there": "idea/there.ipynb"}, BibliographyData())
    >>> inline("A {term}`seed <seeds>`, {math}`p^2`, `{a}` and [more](there.md#why).", page)
    'A seed, $p^2$, `{a}` and [more](there.ipynb).'
    >>> inline("{shout}`No`", page)
    Traceback (most recent call last):
    ...
    tools.plain_markdown.NotPlain: book/idea/here: nobody said how to show the role {shout} in a notebook: \
say it in tools/plain_markdown.py
    """
    out, at = [], 0
    for token in TOKEN.finditer(text):
        out += [_checked(text[at : token.start()], page), _token(token, page)]
        at = token.end()
    return "".join([*out, _checked(text[at:], page)])


def _checked(text: str, page: Page) -> str:
    if left := LEFT_OVER.search(text):
        raise NotPlain(f"{page.name}: {left[0]!r} is MyST that no rule of tools/plain_markdown.py turns into "
                       "plain Markdown")  # fmt: skip
    return text


def _token(token: re.Match, page: Page) -> str:
    if token["role"]:
        return role(token["role"], " ".join(token["said"].split()), page)
    if token["link"]:
        mark = "!" if token["link"].startswith("!") else ""
        return f"{mark}[{inline(token['text'], page)}]({link(token['target'], page)})"
    return token[0]


def role(name: str, said: str, page: Page) -> str:
    """Turn one role into plain Markdown."""
    if name == "term":
        return said.partition(" <")[0]
    if name == "math":
        return f"${said}$"
    if name == "eq":
        return f"({page.equation(said)})"
    if name == "glue:text":
        return f"<<{said.partition(':')[0]}>>"
    if name == "cite:t":
        return " and ".join(cited(key.strip(), page, "{} ({})") for key in said.split(","))
    if name == "cite:p":
        return f"({'; '.join(cited(key.strip(), page, '{}, {}') for key in said.split(','))})"
    raise NotPlain(f"{page.name}: nobody said how to show the role {{{name}}} in a notebook: say it in "
                   "tools/plain_markdown.py")  # fmt: skip


def cited(key: str, page: Page, pattern: str) -> str:
    """A work as its authors and year, with a link where the bibliography has an address."""
    if key not in page.works.entries:
        raise NotPlain(f"{page.name}: the bibliography has no work {key!r}")
    entry = page.works.entries[key]
    said = pattern.format(_authors(entry.persons["author"]), entry.fields["year"])
    address = entry.fields.get("url")
    if address is None and "doi" in entry.fields:
        address = f"https://doi.org/{entry.fields['doi']}"
    if address is None and entry.fields.get("archiveprefix", "").lower() == "arxiv":
        address = f"https://arxiv.org/abs/{entry.fields['eprint']}"
    return f"[{said}]({address})" if address else said


def _authors(people: list[Person]) -> str:
    names = [str(Text.from_latex(" ".join([*one.prelast_names, *one.last_names]))) for one in people]
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)


def link(target: str, page: Page) -> str:
    """An address as seen from the page's notebook: of a notebook, of a file of the repository, or the same.

    Raises
    ------
    NotPlain
        If it is neither on the net nor in the repository.
    """
    if re.match(r"[a-z][a-z0-9+.-]*:|#", target):
        return target
    path = target.partition("#")[0].partition("?")[0]
    name = os.path.normpath(os.path.join(os.path.dirname(page.name), path)).replace(os.sep, "/")
    here = os.path.dirname(page.places.get(page.name, re.sub("^book/", "", page.name)))
    stem = re.sub(r"\.(md|html|ipynb)$", "", name)
    if stem in page.places:
        return os.path.relpath(page.places[stem], here or ".").replace(os.sep, "/")
    file = f"{stem}.md" if name.endswith(".html") else name
    if not (ROOT / file).exists():
        raise NotPlain(f"{page.name}: the link {target!r} leads to no file of the repository")
    return os.path.relpath(file, os.path.join("notebooks", here)).replace(os.sep, "/")
