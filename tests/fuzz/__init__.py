"""Fuzzing: every reader of the library against input that nobody meant to write."""
