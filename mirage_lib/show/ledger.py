"""The ledger of claims as a page shows it: one card a claim, to which chapters can link."""

from __future__ import annotations

import html

from mirage_lib.claims import Claim, Verdict


class Ledger:
    """Claims with their verdicts; each card's address on the page is the claim's id.

    Parameters
    ----------
    claims : list of Claim
        From ``claims.ledger()``.
    chapters : str
        Path from the page to the folder of the book's parts.

    >>> from mirage_lib import claims
    >>> 'id="resolution-floor"' in Ledger([claims.get("resolution-floor")])._repr_html_()
    True
    """

    def __init__(self, claims: list[Claim], chapters: str = "..") -> None:
        self.judged = [(claim, claim.judge()) for claim in claims]
        self.chapters = chapters

    def _repr_html_(self) -> str:
        return '<div class="mirage-ledger">' + "".join(self._card(*pair) for pair in self.judged) + "</div>"

    def _card(self, claim: Claim, verdict: Verdict) -> str:
        rows = {
            "Verdict": f"<strong>{html.escape(verdict.verdict)}</strong>. {html.escape(verdict.because)}",
            "Upheld if": html.escape(claim.upheld_if) + ".",
            "Where": f"{html.escape(claim.where)} ({html.escape(claim.kind)})",
            "Read more": f'<a href="{self.chapters}/{claim.chapter}.html">{claim.chapter}</a>',
        }
        inner = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows.items())
        return f'<section id="{claim.id}"><p><strong>{html.escape(claim.claim)}</strong></p><dl>{inner}</dl></section>'
