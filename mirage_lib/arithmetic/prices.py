"""What a run will cost, before a cent is spent: requests, tokens, price.

Prices are the reader's to give, per million tokens: a list of vendors' prices in here would be wrong
by the time it is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

TOKEN = r"\d{1,3}| ?[A-Za-z]+| ?[^\sA-Za-z0-9]+\n*|\s+"
"""The rule of the estimate: up to three digits are a token, or a word, a run of signs, a blank."""
RULE = "up to 3 digits, a word, a run of signs or a blank make a token, as in recent GPT tokenizers"
CHAT_OVERHEAD = 8
"""Tokens that a chat format puts around one message, about."""


@dataclass(frozen=True)
class Estimate:
    """What is left to be asked.

    Attributes
    ----------
    requests : int
    prompt_tokens : int
        By :data:`RULE`.
    prompt_tokens_at_most : int
        One a character; no tokenizer of plain text makes more.
    completion_tokens_at_most : int
        As if every answer were as long as allowed.
    """

    requests: int
    prompt_tokens: int
    prompt_tokens_at_most: int
    completion_tokens_at_most: int

    def price(self, price_in: float, price_out: float) -> tuple[float, float]:
        """Return the expected and the highest price, from prices per million tokens.

        The expected one, too, counts answers as long as allowed. Failed tries are not in it.

        >>> Estimate(1000, 40_000, 70_000, 16_000).price(price_in=0.5, price_out=1.5)
        (0.044, 0.059)
        """
        out = self.completion_tokens_at_most * price_out
        low, high = (
            round((tokens * price_in + out) / 1e6, 6) for tokens in (self.prompt_tokens, self.prompt_tokens_at_most)
        )
        return low, high

    def text(self, price_in: float | None = None, price_out: float | None = None) -> str:
        """Say it in words, the price as well where prices are given."""
        words = (
            f"{self.requests:,} requests, about {self.prompt_tokens:,} prompt tokens (an estimate: {RULE}; "
            f"at most {self.prompt_tokens_at_most:,}, one a character) and at most "
            f"{self.completion_tokens_at_most:,} completion tokens."
        )
        if price_in is None or price_out is None:
            return f"{words}\nPrice: give --price-in and --price-out, in your currency per million tokens."
        expected, highest = self.price(price_in, price_out)
        return (
            f"{words}\nPrice: about {expected:,.4f}, at most {highest:,.4f}, at {price_in:g} and {price_out:g} "
            "per million prompt and completion tokens; failed tries are not counted."
        )


def estimate(sent: pl.Series, max_tokens: int, api: str = "completions") -> Estimate:
    """Count requests and tokens.

    Parameters
    ----------
    sent : Series of text
        What will be sent, one a request.
    max_tokens : int
        The longest allowed answer, in tokens.
    api : str
        ``completions`` or ``chat``, whose messages carry a few tokens more.

    >>> estimate(pl.Series(["12*7=84\\n23*45="]), max_tokens=16)
    Estimate(requests=1, prompt_tokens=10, prompt_tokens_at_most=14, completion_tokens_at_most=16)
    """
    more = CHAT_OVERHEAD * len(sent) if api == "chat" else 0
    return Estimate(
        requests=len(sent),
        prompt_tokens=int(sent.str.count_matches(TOKEN).sum()) + more,
        prompt_tokens_at_most=int(sent.str.len_bytes().sum()) + more,
        completion_tokens_at_most=len(sent) * max_tokens,
    )
