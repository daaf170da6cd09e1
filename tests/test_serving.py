"""A rung as a folder for servers: loaded by transformers, and asked over a real server, it says the same."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import polars as pl
import pytest

from mirage_lib.arithmetic import answers, ladder, serving
from mirage_lib.arithmetic.problems import OPERATIONS, held_out_prompts

BUDGET = ladder.Budget(steps=150, batch=8)
N = 12


@pytest.fixture(scope="module")
def rung(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rungs") / "width16-seed0"
    model = ladder.train_rung(folder, width=16, seed=0, budget=BUDGET, device="cpu", progress=False)
    return folder, model


@pytest.fixture(scope="module")
def served(rung, tmp_path_factory):
    return serving.export(rung[0], tmp_path_factory.mktemp("served") / "width16")


@pytest.fixture(scope="module")
def asked(rung) -> pl.DataFrame:
    """Prompts of every cell with what the rung itself answers."""
    prompts = [held_out_prompts(op, length, N) for op in OPERATIONS.values() for length in op.lengths]
    return answers.ask(rung[1], pl.concat(prompts))


def test_the_tokenizer_gives_every_character_the_number_of_training(served):
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(served)
    text = "\n" + "".join(map(chr, range(32, 127)))
    for tokenizer in (serving.tokenizer(), loaded):
        assert tokenizer(text)["input_ids"] == list(range(96))
        assert [tokenizer(character)["input_ids"] for character in text] == [[i] for i in range(96)]
        assert tokenizer.decode(list(range(96))) == text
        assert (len(tokenizer), tokenizer.pad_token_id, tokenizer.eos_token_id) == (97, 96, 0)


def test_the_tokenizer_refuses_what_training_never_saw():
    with pytest.raises(Exception, match="UNK"):
        serving.tokenizer()("12×7=")


def test_the_loaded_folder_gives_the_answers_of_the_rung(served, asked):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(served), AutoTokenizer.from_pretrained(served)
    said = []
    for prompt in asked["prompt"]:
        given = tokenizer(prompt, return_tensors="pt")
        written = model.generate(**given, max_new_tokens=answers.LONGEST)
        said.append(tokenizer.decode(written[0, given["input_ids"].shape[1] :], skip_special_tokens=True))
    assert said == asked["output"].to_list()
    assert len(set(said)) > 5  # a rung that says one thing only would prove nothing


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no finished rung"):
        serving.export(tmp_path, tmp_path / "served")


def test_a_real_server_gives_the_answers_of_the_rung(served, asked, tmp_path):
    from openai import OpenAI

    (tmp_path / "hub").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--port", str(port), served.name], cwd=served.parent, env=environment, stdout=log, stderr=log
        )
    try:
        _wait(f"http://localhost:{port}/v1/models", server, tmp_path / "log")
        client = OpenAI(base_url=f"http://localhost:{port}/v1", api_key="none")
        said = [
            client.completions.create(
                model=served.name, prompt=prompt, max_tokens=answers.LONGEST, temperature=0, stop=["\n"]
            ).choices[0]
            for prompt in asked["prompt"]
        ]
    finally:
        server.terminate()
        server.wait(timeout=30)
    assert [choice.text for choice in said] == asked["output"].to_list()
    assert [choice.finish_reason for choice in said] == asked["finish_reason"].to_list()


def _wait(address: str, server: subprocess.Popen, log) -> None:
    """Return when the server answers; fail with its log when it ended or takes too long."""
    for _ in range(240):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer within two minutes: {log.read_text()}")
