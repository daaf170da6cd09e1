"""A new user, an empty home, no caches: the README's two commands in a clean clone, timed (Linux, as root).

    sudo python3 tools/fresh.py                  make book, then make test
    sudo python3 tools/fresh.py book             one of them
    sudo python3 tools/fresh.py --keep book      leave the user and its clone, to look at them

The last commit of this checkout is cloned. The user is made for this run and removed after it; of the environment it
gets a path, and what says how package indexes are reached and trusted. Two sizes of the download are given: what uv says
of the packages above 1 MB, and what the machine's interfaces took in, other programs' share included. The result is
printed, and written to `requirements/FRESH.md`.
"""

import argparse
import os
import platform
import pwd
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("book", "test")
TABLE = ROOT / "requirements" / "FRESH.md"
HEADER = """# A new user

What `sudo python3 tools/fresh.py` saw: a clean clone by a new user with an empty home and no caches; not edited by hand.
"""
PATHS = "/usr/local/bin:/usr/bin:/bin"
PASSED = re.compile(r"(PIP|UV)_(CERT|.*INDEX.*|.*TIMEOUT.*)|SSL_CERT_(FILE|DIR)|https?_proxy|HTTPS?_PROXY|NO_PROXY|no_proxy|MIRAGE_TORCH")


def main() -> int:
    """Make the user, run the targets, write the table, remove the user; return 1 where a target failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="book, test (default: both, in this order)")
    parser.add_argument("--keep", action="store_true", help="leave the user and its clone")
    parser.add_argument("--python", help="the Python that makes .venv (default: python3 of the new user's path)")
    options = parser.parse_args()
    if strange := set(options.targets) - set(TARGETS):
        parser.error(f"{', '.join(sorted(strange))}: only book and test can be tried")
    if platform.system() != "Linux" or os.geteuid() != 0:
        parser.error("only root on Linux can make and remove a user: sudo python3 tools/fresh.py")
    user = f"mirage-fresh-{os.getpid()}"
    subprocess.run(["useradd", "--create-home", "--skel", "/nonexistent", "--shell", "/bin/sh", user], check=True)
    home = Path(pwd.getpwnam(user).pw_dir)
    try:
        rows, well = try_all(user, home, options.targets or list(TARGETS), options.python)
    finally:
        if not options.keep:
            subprocess.run(["userdel", "--remove", user], stderr=subprocess.DEVNULL)
            shutil.rmtree(home, ignore_errors=True)
    TABLE.write_text("\n".join([HEADER, *rows]) + "\n")
    print("\n".join(rows))
    return not well


def try_all(user: str, home: Path, targets: list[str], python: str | None) -> tuple[list[str], bool]:
    """Clone, run each target as the user, and say in rows of a table what it took."""
    clone = home / "mirage"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(clone)], check=True)
    subprocess.run(["git", "-C", str(clone), "remote", "remove", "origin"], check=True)
    subprocess.run(["chown", "-R", f"{user}:", str(home)], check=True)
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    env = {name: value for name, value in os.environ.items() if PASSED.fullmatch(name)}
    env |= {"HOME": str(home), "PATH": PATHS, "USER": user, "LOGNAME": user, "LANG": "C.UTF-8"}
    rows = [f"Revision {revision}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}.", ""]
    rows += ["| command | result | minutes | processor minutes | packages, MB | all received, MB | home afterwards, MB |", "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    well, runuser = True, shutil.which("runuser", path=f"{PATHS}:/usr/sbin:/sbin") or "runuser"
    for target in targets:
        command = ["make", target, *([f"PYTHON={python}"] if python else [])]
        start, used, taken = time.monotonic(), processor(), received()
        status, packages = follow([runuser, "-u", user, "--", *command], clone, env)
        minutes, work, bytes_in = time.monotonic() - start, processor() - used, received() - taken
        well &= status == 0
        result = "well" if status == 0 else f"failed ({status})"
        sizes = " | ".join(f"{size / 1e6:,.0f}" for size in (packages, bytes_in, occupied(home)))
        rows.append(f"| `{' '.join(command)}` | {result} | {minutes / 60:.1f} | {work / 60:.1f} | {sizes} |")
        if not well:
            break
    return rows, well


def follow(command: list[str], folder: Path, env: dict[str, str]) -> tuple[int, float]:
    """Run a command, pass on what it says; return its status and the bytes that uv says it downloads."""
    total = 0.0
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            total += announced(line)
    return running.returncode, total


def announced(line: str) -> float:
    """Bytes of the package that a line of uv's announces; 0 of other lines.

    >>> announced("Downloading torch (514.2MiB)"), announced(" Downloaded torch")
    (539177779.2, 0.0)
    """
    found = re.match(r"Downloading \S+ \(([\d.]+)(Ki|Mi|Gi)B\)", line)
    return float(found[1]) * {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[found[2]] if found else 0.0


def processor() -> float:
    """Seconds of processor time of all that was run and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def received() -> int:
    """Bytes that the interfaces of this machine have taken in, the loopback left out."""
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    return sum(int(line.split(":")[1].split()[0]) for line in lines if not line.strip().startswith("lo:"))


def occupied(folder: Path) -> int:
    """Bytes on the disk below a folder; a file with several names counts once."""
    done = subprocess.run(["du", "--summarize", "--block-size=1", str(folder)], capture_output=True, text=True)
    return int(done.stdout.split()[0])


if __name__ == "__main__":
    sys.exit(main())
