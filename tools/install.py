"""Set up `.venv` from the locked requirements. Standard library only; `make` calls it.

    python3 tools/install.py book      everything that building the book needs
    python3 tools/install.py test      the same, and what the tests need
    python3 tools/install.py --plan    only say what would be done

What was installed is remembered in `.venv/installed.json` by the hash of each lock, so a second
call ends at once. MIRAGE_TORCH is `auto` (the default), `cpu` (PyTorch's CPU wheels, or fail) or
`pypi` (PyPI's wheels, which on Linux carry CUDA).
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):  # Before anything an older Python cannot parse.
    sys.exit(
        "Python 3.11, 3.12 or 3.13 is needed and this is %d.%d: name one, as in "
        "`make book PYTHON=python3.12`." % sys.version_info[:2]
    )

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
STAMP = VENV / "installed.json"
BOOTSTRAP = "bootstrap.txt"
SETS = {
    "bootstrap": (),
    "book": ("book.txt", "train.txt"),
    "test": ("book.txt", "train.txt", "test.txt"),
}

# Measured on Linux x86-64 for the torch that is locked; a test asks for new numbers with a new one.
MEASURED_TORCH = "2.15.0"
CUDA_DOWNLOAD, CUDA_INSTALLED = "3.0 GB", "5.4 GB"
REST_DOWNLOAD, REST_INSTALLED = "0.3 GB", "0.9 GB"
CPU_INDEX_SECONDS = 25


def main(arguments: list[str]) -> None:
    """Bring `.venv` up to the locks of one set, or say what that would take."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", nargs="?", choices=SETS, default="book")
    parser.add_argument("--plan", action="store_true", help="only say what would be done")
    options = parser.parse_args(arguments)
    asked = os.environ.get("MIRAGE_TORCH", "auto")
    if asked not in ("auto", "cpu", "pypi"):
        sys.exit(f"MIRAGE_TORCH is {asked!r}: it has to be auto, cpu or pypi.")
    stamp = read_stamp()
    wanted = fingerprints(SETS[options.set])
    if venv_fits() and up_to_date(stamp, wanted, asked):
        if options.plan:
            print(f"Nothing to do: {VENV.name} holds the locked packages of `{options.set}`.")
        return
    if options.plan:
        print("\n".join(plan(options.set, asked)))
        return
    make_venv()
    STAMP.unlink(missing_ok=True)
    bootstrap()
    kept = {name: stamp[name] for name in stamp if stamp[name] == wanted.get(name)}
    if SETS[options.set]:
        kept["torch"] = install(SETS[options.set], asked)
    STAMP.write_text(json.dumps(kept | wanted, indent=1) + "\n")


def fingerprints(locks: tuple[str, ...]) -> dict[str, str]:
    """The SHA-256 of every file that decides what is installed."""
    files = [ROOT / "requirements" / name for name in (BOOTSTRAP, *locks)]
    if locks:
        files.append(ROOT / "pyproject.toml")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read_stamp() -> dict[str, str]:
    """What the last finished call installed; empty where none finished."""
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def up_to_date(stamp: dict[str, str], wanted: dict[str, str], asked: str) -> bool:
    """Whether all that is wanted is installed, torch in the build that was asked for.

    >>> up_to_date({"book.txt": "1", "test.txt": "2", "torch": "cpu"}, {"book.txt": "1"}, "auto")
    True
    >>> up_to_date({"book.txt": "1", "torch": "cpu"}, {"book.txt": "1"}, "pypi")
    False
    """
    same_torch = asked == "auto" or stamp.get("torch", asked) == asked
    return same_torch and all(stamp.get(name) == digest for name, digest in wanted.items())


# The virtual environment and uv


def venv_fits() -> bool:
    """Whether `.venv` is there and has the minor version of the Python that runs this."""
    return (BIN / "python").exists() and venv_version() == "%d.%d" % sys.version_info[:2]


def venv_version() -> str:
    """The Python of `.venv` as `3.11`; empty where it cannot be told."""
    try:
        text = (VENV / "pyvenv.cfg").read_text()
    except OSError:
        return ""
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", text, re.MULTILINE)
    return found[1] if found else ""


def make_venv() -> None:
    """Make `.venv`, or make it anew where it is broken or has another Python."""
    if venv_fits():
        return
    for module, package in (("venv", "python3-venv"), ("ensurepip", "python3-venv")):
        if importlib.util.find_spec(module) is None:
            sys.exit(
                f"This Python has no `{module}` module: install it "
                f"(Debian and Ubuntu: `apt-get install {package}`) or name another Python, as in "
                "`make book PYTHON=python3.12`."
            )
    version = "%d.%d" % sys.version_info[:2]
    if VENV.exists():
        print(f"{VENV.name} has Python {venv_version() or 'that does not run'}: making it anew.")
    print(f"Making {VENV.name} with Python {version}.", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    if made.returncode:
        sys.exit(
            f"`{sys.executable} -m venv {VENV.name}` failed, as said above (on Debian and Ubuntu "
            "`apt-get install python3-venv` is the usual cure)."
        )


def bootstrap() -> None:
    """Let pip install uv, which installs the rest: pip's own resolver is far slower."""
    if subprocess.run([BIN / "python", "-m", "pip", "--version"], capture_output=True).returncode:
        subprocess.run([BIN / "python", "-m", "ensurepip", "--default-pip"], capture_output=True)
    lock = str(ROOT / "requirements" / BOOTSTRAP)
    pip = [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    print("Installing uv.", flush=True)
    done = subprocess.run([*pip, "--retries", "2", "--require-hashes", "-r", lock])
    if done.returncode:
        sys.exit(
            "pip could not install uv: unless pip says otherwise above, no package index can be "
            "reached from here; connect, or point pip at a mirror (`pip config set "
            "global.index-url ...`), and run `make` again."
        )


def environment() -> dict[str, str]:
    """The environment that uv runs in: this one, with the index and certificates that pip uses.

    uv does not read pip's settings, so a mirror that was configured for pip would be passed over.
    """
    env = dict(os.environ)
    env.setdefault("UV_PYTHON_DOWNLOADS", "never")
    env.pop("UV_TORCH_BACKEND", None)  # It would point the hashes of the lock at other files.
    listed = subprocess.run(
        [BIN / "python", "-m", "pip", "config", "list"], capture_output=True, text=True
    ).stdout
    settings = dict(re.findall(r"^[\w:]+\.(index-url|cert)='(.+)'$", listed, re.MULTILINE))
    if "index-url" in settings and "UV_INDEX_URL" not in env:
        env.setdefault("UV_DEFAULT_INDEX", settings["index-url"])
    if "cert" in settings:
        env.setdefault("SSL_CERT_FILE", settings["cert"])
    return env


def uv_install(*arguments: str, env: dict[str, str], **options) -> subprocess.CompletedProcess:
    """Call `uv pip install` for `.venv`."""
    command = [BIN / "uv", "pip", "install", "--python", BIN / "python", *arguments]
    return subprocess.run(command, env=env, **options)


# Packages


def install(locks: tuple[str, ...], asked: str) -> str:
    """Install the locks and the project itself; return which build of torch that took."""
    env = environment()
    pins = torch_pins((ROOT / "requirements" / "train.txt").read_text())
    here = installed_torch(pins["torch"], asked)
    build, reason = here or choose_torch(
        platform.system(), has_nvidia(), asked, lambda: cpu_index_answers(pins, env)
    )
    print(f"{reason[0].upper()}{reason[1:]}.", flush=True)
    files = []
    for name in locks:
        path = ROOT / "requirements" / name
        if build == "cpu":
            path = VENV / f"{path.stem}-cpu.txt"
            path.write_text(without_cuda((ROOT / "requirements" / name).read_text()))
        files += ["-r", str(path)]
    # To uv both builds are the same version: without this it would leave the other one as it is.
    swap = [] if here else [f"--reinstall-package={name}" for name in pins]
    # Without isolation nothing is fetched beside the locks: rouge-score comes as source only, and
    # what builds it and this project is in the bootstrap.
    failed = uv_install(
        "--require-hashes", "--no-build-isolation", *(swap if build == "pypi" else ()), *files, env=env
    ).returncode
    if build == "cpu" and not failed:
        # The CPU wheels are other files than PyPI's, so the lock has no hashes for them; they are
        # held to the same versions only. What they depend on came from the lock just now.
        failed = uv_install(
            *("--no-deps", "--torch-backend", "cpu", *swap, *map("==".join, pins.items())), env=env
        ).returncode
    if not failed:
        failed = uv_install(
            "--no-deps", "--no-build-isolation", "-e", str(ROOT), env=env
        ).returncode
    if failed:
        sys.exit(
            "The packages could not be installed, for the reason that uv gives above; `make` again "
            "goes on with those that are here already."
        )
    return build


def installed_torch(version: str, asked: str) -> tuple[str, str] | None:
    """The build of the locked torch that `.venv` already has, unless another one was asked for."""
    for found in VENV.glob(f"**/site-packages/torch-{version}*.dist-info"):
        build = "cpu" if "+cpu" in found.name else "pypi"
        if asked in ("auto", build):
            return build, f"torch {version} is here already"
    return None


def choose_torch(system: str, nvidia: bool, asked: str, cpu_index) -> tuple[str, str]:
    """Choose between PyTorch's CPU wheels and PyPI's, and say why.

    Parameters
    ----------
    system : what `platform.system()` says
    nvidia : whether there is an NVIDIA GPU
    asked : `auto`, `cpu` or `pypi`
    cpu_index : called without arguments, and only when it matters, to learn whether the CPU wheels
        can be had

    Returns
    -------
    `cpu` or `pypi`, and a sentence.

    >>> choose_torch("Linux", False, "auto", cpu_index=lambda: True)
    ('cpu', 'there is no NVIDIA GPU, so torch comes as CPU wheels, a few hundred MB')
    >>> choose_torch("Darwin", False, "auto", cpu_index=lambda: False)[0]
    'pypi'
    """
    size = f"about {CUDA_DOWNLOAD} to download and {CUDA_INSTALLED} on disk"
    if system != "Linux":
        return "pypi", "torch comes from PyPI, whose wheels for this system are CPU builds"
    if asked == "pypi":
        return "pypi", f"torch comes from PyPI as MIRAGE_TORCH asks, with CUDA: {size}"
    if asked == "cpu":
        return "cpu", "torch comes as CPU wheels as MIRAGE_TORCH asks"
    if nvidia:
        return "pypi", f"there is an NVIDIA GPU, so torch comes with CUDA: {size}"
    if cpu_index():
        return "cpu", "there is no NVIDIA GPU, so torch comes as CPU wheels, a few hundred MB"
    return "pypi", (
        "there is no NVIDIA GPU, but PyTorch's index of CPU wheels does not answer, so torch comes "
        f"from PyPI with CUDA: {size} (everything else: {REST_DOWNLOAD} and {REST_INSTALLED})"
    )


def has_nvidia() -> bool:
    """Whether the driver, or `nvidia-smi`, knows of an NVIDIA GPU."""
    gpus = Path("/proc/driver/nvidia/gpus")
    if gpus.is_dir() and any(gpus.iterdir()):
        return True
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU 0" in listed.stdout


def cpu_index_answers(pins: dict[str, str], env: dict[str, str]) -> bool:
    """Whether uv finds the locked torch on PyTorch's CPU index, by a dry run of some seconds.

    uv knows the address of that index, so none stands here.
    """
    print("Asking PyTorch's index for CPU wheels.", flush=True)
    quick = env | {"UV_HTTP_TIMEOUT": "10", "UV_HTTP_CONNECT_TIMEOUT": "10", "UV_HTTP_RETRIES": "0"}
    wanted = map("==".join, pins.items())
    dry = ("--dry-run", "--reinstall", "--no-deps", "--torch-backend", "cpu", *wanted)
    try:
        tried = uv_install(*dry, env=quick, capture_output=True, timeout=CPU_INDEX_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return tried.returncode == 0


# Locks as text


def blocks(lock: str) -> list[tuple[str, str, str]]:
    """Split a lock into requirements: name, version and the block's text, hashes and all.

    >>> blocks("# about\\na-b==1.0 ; x\\n    --hash=sha256:12\\nc==2\\n")
    [('a-b', '1.0', 'a-b==1.0 ; x\\n    --hash=sha256:12\\n'), ('c', '2', 'c==2\\n')]
    """
    parts = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    heads = [re.match(r"([\w.-]+)==([^\s;\\]+)", part) for part in parts]
    return [(head[1], head[2], part) for head, part in zip(heads, parts)]


def torch_pins(lock: str) -> dict[str, str]:
    """The locked versions of torch and torchvision."""
    return {name: version for name, version, _ in blocks(lock) if name in ("torch", "torchvision")}


def without_cuda(lock: str) -> str:
    """A lock without torch, torchvision and what only their CUDA builds need.

    >>> without_cuda("numpy==2\\nnvidia-nvtx==1\\ntorch==2\\ntriton==3\\n")
    'numpy==2\\n'
    """
    cuda = re.compile(r"torch|torchvision|triton|nvidia-.+|cuda-.+")
    return "".join(text for name, _, text in blocks(lock) if not cuda.fullmatch(name))


def plan(chosen: str, asked: str) -> list[str]:
    """What installing a set would do, one line a step; only the CPU index is asked."""
    lines = []
    if not venv_fits():
        lines.append(f"make {VENV.name} with Python %d.%d" % sys.version_info[:2])
    lines.append(f"pip installs requirements/{BOOTSTRAP}, for uv")
    if not SETS[chosen]:
        return lines
    pins = torch_pins((ROOT / "requirements" / "train.txt").read_text())
    can_ask = (BIN / "uv").exists()
    _, reason = installed_torch(pins["torch"], asked) or choose_torch(
        platform.system(),
        has_nvidia(),
        asked,
        lambda: can_ask and cpu_index_answers(pins, environment()),
    )
    if "does not answer" in reason and not can_ask:
        reason = (
            "there is no NVIDIA GPU: PyTorch's index will be asked for CPU wheels, a few hundred "
            f"MB; where it does not answer, torch comes from PyPI with CUDA, {CUDA_DOWNLOAD} to "
            f"download and {CUDA_INSTALLED} on disk"
        )
    names = ", ".join(f"requirements/{name}" for name in SETS[chosen])
    lines += [f"uv installs {names}, by their hashes", reason, "uv installs this project, editable"]
    return lines


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("Interrupted: `make` again goes on.")
