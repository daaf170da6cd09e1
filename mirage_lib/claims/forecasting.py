"""Our questions to forecasts: does a smooth metric foretell the sharp one, over all families at hand?"""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict, grade
from mirage_lib.forecasting import leaderboard, scoring


@registry.test
def smooth_foretells_everywhere() -> Verdict:
    table = scoring.table("last", "sigmoid", "two-stage").filter((pl.col("group") == "sharp") & pl.col("partner"))
    near, far = (table.filter(pl.col("horizon") == name) for name in ("near", "far"))
    bar, direct, again = (
        leaderboard.gain("two-stage", other, table=part) for other, part in (("last", near), ("sigmoid", near), ("last", far))
    )
    conditions = (bar["low"] > 0, direct["low"] > 0, 0.80 <= bar["covered"] <= 0.97, again["low"] > 0)
    return Verdict(
        grade(*conditions),
        f"On {bar['curves']} curves ({bar['tasks']} tasks of {bar['sources']} sources) the gain in CRPS of going through the smooth metric is "
        f"{_said(bar)} over \"like the last one\" and {_said(direct)} over a sigmoid in log size; it is the better one on {bar['wins']:.0%} and "
        f"{direct['wins']:.0%} of the tasks. Its 90 % intervals hold the truth in {bar['covered']:.0%}. With the three largest held out "
        f"({again['curves']} curves of {again['sources']} sources) the gain over \"like the last one\" is {_said(again)}.",
    )


@registry.test
def smooth_foretold_better() -> Verdict:
    pairs = smooth_and_sharp()
    mean, drawn = leaderboard.redrawn(leaderboard.by_source(pairs.with_columns(gap=pl.col("crps") - pl.col("smooth")), ["crps", "smooth", "gap"]))
    low, high = np.quantile(drawn[:, 2], [0.025, 0.975])
    verdict = "upheld" if low > 0 else "partly" if mean[2] > 0 else "not upheld"
    return Verdict(
        verdict,
        f"On {pairs.height} pairs of {pairs['source'].n_unique()} sources, the CRPS of the smooth metric is {mean[1]:.2f} of its range on average, that of the "
        f"sharp one {mean[0]:.2f} of its own; the difference is {mean[2]:.2f} (95 %: {low:.2f} to {high:.2f}).",
    )


def smooth_and_sharp(horizon: str = "near") -> pl.DataFrame:
    """Each sharp curve's sigmoid beside the power law of its smooth partner, both as shares of their ranges.

    Returns
    -------
    Frame with ``source, family, task, metric, crps`` (sharp) and ``smooth``.

    >>> (smooth_and_sharp()["smooth"] >= 0).all()
    True
    """
    held = scoring.HORIZONS[horizon]
    rows = []
    for curve in scoring.all_curves():
        partner = curve.partner
        out = 2 if curve.source == "olmo" else held
        if partner is None or len(curve.sizes) - out < scoring.SEEN or np.ptp(partner.values) == 0:
            continue
        kept = slice(None) if curve.source == "olmo" else slice(-1, None)
        _, observed = scoring.forecast(partner, "power" if np.isfinite(partner.high) else "line", out)
        smooth = scoring.crps(observed[:, kept], partner.values[-out:][kept]).mean() / np.ptp(partner.values)
        rows.append({"source": curve.source, "family": curve.family, "task": curve.task, "metric": curve.metric, "smooth": float(smooth)})
    sharp = scoring.table("sigmoid").filter(pl.col("horizon") == horizon)
    keys = ["source", "family", "task", "metric"]
    return pl.DataFrame(rows).join(sharp.select(*keys, "crps"), on=keys, how="inner")


def _said(found: dict[str, float]) -> str:
    return f"{found['gain']:.0%} (95 %: {found['low']:.0%} to {found['high']:.0%})"
