"""The small tables in the book are those that the committed script derives from the records."""

import os
from pathlib import Path

import pytest

from mirage_lib import outputs
from tools import derive

RECORDS = os.environ.get("MIRAGE_DATA")


@pytest.mark.skipif(RECORDS is None, reason="MIRAGE_DATA does not say where the published records lie")
def test_the_embedded_table_is_the_derived_one():
    assert outputs.load_table("pythia-sampled").equals(derive.pythia_sampled(Path(RECORDS)))


def test_means_lie_where_the_counts_allow():
    table = outputs.load_table("pythia-sampled")
    assert table["mean_success"].is_between(0, 1).all()
    assert (table["problems_solved"] <= table["problems"]).all()
    assert (table["most_from_one"] <= table["n_correct"]).all()
    assert ((table["n_correct"] == 0) == (table["mean_success"] == 0)).all()
