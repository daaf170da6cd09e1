"""Judges of the exercises in the part on bigbench."""
