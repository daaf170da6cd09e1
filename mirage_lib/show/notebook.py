"""Notebook: what a chapter needs where it runs as a notebook, outside the built book.

The book's build puts computed values into its sentences with myst_nb's ``glue``. A notebook has no build,
so there the kernel does it: :class:`Prose` keeps what cells glue and shows the sentences that name it.
"""

from __future__ import annotations

import re
import sys

from mirage_lib import outputs
from mirage_lib.show import theme

SLOT = re.compile(r"<<([\w.-]+)>>")
"""Where a sentence wants a glued value: ``<<its-name>>``."""
NOT_YET = "…"


class Prose:
    """Sentences with computed values, in a kernel.

    >>> book = Prose()
    >>> book.filled("It is <<answer>>.")
    'It is ….'
    >>> book.glue("answer", 42)
    >>> book.filled("It is <<answer>>.")
    'It is 42.'
    """

    def __init__(self) -> None:
        self._values: dict[str, object] = {}
        self._shown: list[tuple] = []

    def glue(self, name: str, value: object, display: bool = False) -> None:
        """Keep a value under a name, and fill it in where a sentence above waits for it.

        The arguments are those of ``myst_nb.glue``, whose place it takes.
        """
        self._values[name] = value
        for handle, text in self._shown:
            if name in SLOT.findall(text):
                handle.update(self._markdown(text))
        if display:
            from IPython.display import display as show

            show(value)

    def show(self, text: str) -> None:
        """Show Markdown with the values that its slots name; dots stand where one is still to come."""
        from IPython.display import display

        self._shown.append((display(self._markdown(text), display_id=True), text))

    def filled(self, text: str) -> str:
        """Return the text with what is known put into its slots."""
        return SLOT.sub(lambda slot: str(self._values.get(slot[1], NOT_YET)), text)

    def _markdown(self, text: str):
        from IPython.display import Markdown

        return Markdown(self.filled(text))


def dark_style() -> str:
    """Return what gives figures the dark set of colours where JupyterLab is dark; they are light without it.

    >>> "--mirage-ink: #1b1f24" in dark_style()
    False
    """
    colours = " ".join(f"--mirage-{name}: {dark};" for name, (_, dark) in theme.COLOURS.items())
    return f"<style>body[data-jp-theme-light='false'] {{ {colours} }}</style>"


def start(frozen: str) -> Prose:
    """Check the frozen files by hash, say what was found, and return the sentences' keeper.

    Parameters
    ----------
    frozen : str
        :func:`mirage_lib.outputs.fingerprint` of the files that the notebook was made with.

    Raises
    ------
    OutputsError
        If a frozen file is missing or changed.

    >>> _ = start(outputs.fingerprint())  # doctest: +ELLIPSIS
    Frozen files: ..., each with the SHA-256 that this notebook was made with...
    >>> _ = start("another")  # doctest: +ELLIPSIS
    Frozen files: ..., whole, but not those that this notebook was made with: numbers may differ from the page...
    """
    if faults := outputs.faults():
        raise outputs.OutputsError("; ".join(faults))
    same = outputs.fingerprint() == frozen
    how = (
        "each with the SHA-256 that this notebook was made with."
        if same
        else "whole, but not those that this notebook was made with: numbers may differ from the page."
    )
    print(f"Frozen files: {len(outputs.manifest())}, {how}")
    if "ipykernel" in sys.modules:
        from IPython.display import HTML, display

        display(HTML(dark_style()))
    return Prose()
