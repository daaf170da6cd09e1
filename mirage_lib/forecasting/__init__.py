"""Forecasting: the largest models of a family foretold from the smaller ones, scored out of sample.

``methods`` says how, ``families`` of whom, ``scoring`` how well, ``leaderboard`` who did best; ``next_size`` forecasts a
curve of one's own. The rules of holding out
stand in :mod:`mirage_lib.forecasting.families`.

>>> from mirage_lib import forecasting
>>> "two-stage" in forecasting.METHODS
True
"""

from mirage_lib.forecasting.leaderboard import board
from mirage_lib.forecasting.methods import METHODS, around, method, through
from mirage_lib.forecasting.next_size import Foreseen, foresee, track_record

__all__ = ["METHODS", "Foreseen", "around", "board", "foresee", "method", "through", "track_record"]
