"""Write the track record of the forecasts, which an audit quotes, from a fresh leaderboard.

    .venv/bin/python tools/track_record.py
"""

import polars as pl

from mirage_lib import outputs
from mirage_lib.forecasting import leaderboard, next_size

NOTE = "Track record of the methods of mirage_lib.forecasting over all families, near and far; written by tools/track_record.py. MIT."


def record() -> pl.DataFrame:
    """The leaderboards of both horizons, as :func:`mirage_lib.forecasting.next_size.track_record` reads them."""
    both = [leaderboard.board(name).with_columns(horizon=pl.lit(name)) for name in ("near", "far")]
    fields = list(next_size.Record.__dataclass_fields__)
    table = pl.concat(both).select("method", "group", "horizon", *fields)
    return table.with_columns(pl.col(pl.Float64).round(4)).sort("horizon", "group", "method", descending=[True, False, False])


if __name__ == "__main__":
    print(outputs.save_table(record(), next_size.RECORD, "track record", NOTE))
