"""The driver needs atheris, which only an environment of its own has: there is nothing of it to collect."""

collect_ignore = ["run.py"]
