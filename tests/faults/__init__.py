"""Faults: what the tests of faults share, and the table of the book that their markers make."""
