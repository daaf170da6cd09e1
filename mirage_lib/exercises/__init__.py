"""Exercises: what a chapter asks, and whether an answer is right.

A judge computes the right answer itself, from a closed form or from the frozen outputs, and recognises typical
mistakes. The questions, the solutions and what a full answer holds stand in the chapters; ``tools/course.py``
makes notebooks for students and for teachers of them.
"""

from __future__ import annotations

import importlib
import pkgutil

from mirage_lib.exercises.registry import EXERCISES, Exercise, Verdict, check, exercise

__all__ = ["EXERCISES", "Exercise", "Verdict", "check", "exercise"]

for _module in pkgutil.iter_modules(__path__):  # Each registers its judges.
    importlib.import_module(f"{__name__}.{_module.name}")
