"""How the tests of the query client ask: settings, what a server saw, and the command in a process of its own."""

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path


from mirage_lib import cli
from mirage_lib.arithmetic import query

QUICK = {"deadline": 20.0, "backoff": 0.01, "tries": 12, "progress": False}
"""For tests in which nothing hangs: on a busy machine a good answer may take a second, too."""
SECRET = "sk-Test-0123456789-aBcDeF"


def settings(server, **others) -> query.Settings:
    """Forty prompts, unless more is said."""
    chosen = {"models": [query.model("m=135M")], "family": "f", "n": 10, "lengths": (2, 3), "seed": 3} | others
    return query.Settings(server.url, **chosen)


def asked(entry) -> tuple:
    """What tells one request from another, as the server sees it."""
    return entry["model"], entry["temperature"], entry.get("seed"), entry["prompt"]


def wanted(chosen) -> dict[str, tuple]:
    """The same by the journal's key, as the client has it planned."""
    rows = query.requests(chosen).iter_rows(named=True)
    return {r["key"]: (r["asked"], r["temperature"], chosen.seed + r["sample"], r["sent"]) for r in rows}


# A process that has everything imported and is forked for each run: a run that is killed is a whole
# process of the system, but starts in milliseconds.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["mirage_lib.cli", "mirage_lib.arithmetic.query", "openai", "httpx2", __name__])


def _command(arguments, said, env, room) -> None:
    """What the forked process does: the command line, with its screen in files."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(said / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ |= env
    if room:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    sys.exit(cli.main(arguments))


class mirage:
    """``mirage arithmetic query`` in a process of its own."""

    def __init__(self, server, folder, *options, wait=True, env=None, room=None):
        self.said = Path(tempfile.mkdtemp())
        arguments = ["arithmetic", "query", "--base-url", server.url, "--model", "m=135M", "--family", "f"]
        arguments += ["--out", str(folder), "--seed", "3", "--backoff", "0.01", *options]
        self.process = FORKS.Process(target=_command, args=(arguments, self.said, env or {}, room))
        self.process.start()
        if wait:
            self.end()

    def end(self, number=None):
        """Wait for the end; send the signal of that number first, if there is one."""
        if number:
            os.kill(self.process.pid, number)
        self.process.join(240)
        self.returncode = self.process.exitcode
        self.stdout, self.stderr = ((self.said / name).read_text() for name in ("out", "err"))
