"""Pack Pyodide for the book: five files of the npm package, each as a script that hands over its bytes.

    npm pack pyodide@314.0.7 && tar xf pyodide-314.0.7.tgz
    .venv/bin/python tools/pack_pyodide.py package book/_static/pyodide

A page opened from a disk may not fetch files, but it may load scripts, so the bytes travel as text in
scripts: gzip-compressed where that helps, in base64; of the list of packages, the head. ``PACKED.json`` names version, licence and hashes.
"""

import argparse
import base64
import gzip
import hashlib
import json
from pathlib import Path

NAMES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
LOCK = "pyodide-lock.json"
READY = (".zip",)
"""Endings of files that are compressed already."""


def pack(package: Path, out: Path) -> dict:
    """Write one script a file, and ``PACKED.json``; return what is in it."""
    about = json.loads((package / "package.json").read_text())
    out.mkdir(parents=True, exist_ok=True)
    files = {}
    for name in (*NAMES, LOCK):
        content = (package / name).read_bytes()
        if name == LOCK:
            text = json.dumps({"info": json.loads(content)["info"], "packages": {}})
        else:
            sent = content if name.endswith(READY) else gzip.compress(content, 9, mtime=0)
            text = f'"{base64.b64encode(sent).decode()}"'
        script = out / f"{name}.js"
        script.write_text(f'mirageParts["{name}"] = {text};\n')
        files[name] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "script_sha256": hashlib.sha256(script.read_bytes()).hexdigest(),
        }
    packed = {key: about[key] for key in ("name", "version", "license")} | {"files": files}
    (out / "PACKED.json").write_text(json.dumps(packed, indent=1) + "\n")
    return packed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("package", type=Path, help="the unpacked npm package")
    parser.add_argument("out", type=Path, help="where the scripts go")
    given = parser.parse_args()
    for name, facts in pack(given.package, given.out)["files"].items():
        print(f"{name}: {facts['bytes']:,} bytes, SHA-256 {facts['sha256']}")
