"""A new user, an empty home, no caches: the README's two commands in a clean clone, timed (Linux, as root).

    sudo python3 tools/fresh.py                  make book, then make test
    sudo python3 tools/fresh.py book             one of them
    sudo python3 tools/fresh.py --keep book      leave the user and its clone, to look at them

The last commit of this checkout is cloned. The user is made for this run and removed after it; of the environment it
gets a path, and what says how package indexes are reached and trusted. Downloads are what the machine's interfaces
took in, so other programs' are in it. The result is printed, and written to `runs/fresh.md`.
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
TABLE = ROOT / "runs" / "fresh.md"
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
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(rows) + "\n")
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
    rows += ["| command | result | minutes | processor minutes | downloaded MB | home afterwards, MB |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    well, runuser = True, shutil.which("runuser", path=f"{PATHS}:/usr/sbin:/sbin") or "runuser"
    for target in targets:
        command = ["make", target, *([f"PYTHON={python}"] if python else [])]
        start, used, taken = time.monotonic(), processor(), received()
        done = subprocess.run([runuser, "-u", user, "--", *command], cwd=clone, env=env)
        minutes, work, bytes_in = time.monotonic() - start, processor() - used, received() - taken
        well &= done.returncode == 0
        result = "well" if done.returncode == 0 else f"failed ({done.returncode})"
        numbers = (minutes / 60, work / 60, bytes_in / 1e6, occupied(home) / 1e6)
        rows.append(f"| `{' '.join(command)}` | {result} | {numbers[0]:.1f} | {numbers[1]:.1f} | {numbers[2]:,.0f} | {numbers[3]:,.0f} |")
        if not well:
            break
    return rows, well


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
