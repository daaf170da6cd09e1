"""The design, held: data moves one way, importing is light, modules stay small."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_no_module_imports_one_downstream_of_it():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_importing_the_library_loads_neither_torch_nor_openai_nor_plotting():
    modules = "outputs metrics curves emergence theory claims cli arithmetic.problems arithmetic.ladder".split()
    code = ";".join(f"import mirage_lib.{name}" for name in modules) + (
        ";import sys; print([m for m in ('torch', 'transformers', 'openai', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_module_is_longer_than_400_lines():
    long = {p.name: n for p in ROOT.glob("mirage_lib/**/*.py") if (n := len(p.read_text().splitlines())) > 400}
    assert not long
