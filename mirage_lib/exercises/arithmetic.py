"""Judges of the exercises in the part on arithmetic."""
