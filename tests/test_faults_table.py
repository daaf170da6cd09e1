"""The table of faults in the book is what the tests' markers say, row by row."""

from collections import Counter

from tests.faults import table


def test_the_table_of_the_book_is_what_the_markers_say():
    assert table.TABLE.read_text(encoding="utf-8") == table.written(table.rows()), "run 'make faults'"


def test_no_row_stands_twice_and_every_message_is_compared_by_its_test():
    rows = table.rows()
    assert not [key for key, count in Counter((row.tried, row.on, row.happens) for row in rows).items() if count > 1]
    assert not [row.test for row in rows if not row.checked]
    assert {row.group for row in rows} == set(table.GROUPS)
