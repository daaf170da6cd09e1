"""Vision families: training that can be killed, stacked or spread, and pictures that are missing."""

import gzip
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from mirage_lib import cli, outputs  # noqa: E402
from mirage_lib.vision import datasets, families, lenet, sequence  # noqa: E402
from mirage_lib.vision import training  # noqa: E402
from mirage_lib.vision.training import Member, Recipe, train_one, train_stack  # noqa: E402

DATA = os.environ.get("MIRAGE_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="MIRAGE_DATA does not say where the pictures lie")
SMALL = ("digits", "autoencoder-photographs", "transformer-digits")


def short(name: str, steps: int = 12) -> Recipe:
    return replace(families.get(name).recipe, steps=steps, batch=8)


def weights(network) -> dict:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.fault(group="killed", tried="stopped right behind a checkpoint, three families", on="`mirage vision train`", happens="it ends with the very same weights")
@pytest.mark.parametrize("name", SMALL)
def test_interrupted_training_ends_where_the_uninterrupted_ends(name, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 5)
    family, data = families.get(name), families.get(name).load(None, False)
    member, recipe = Member(family.widths[1], 3), short(name)
    whole = train_one(family, member, recipe, data, tmp_path / "whole")
    train_one(family, member, recipe, data, tmp_path / "cut", stop=lambda step: step == 5)
    assert (tmp_path / "cut" / "checkpoint.pt").exists() and not (tmp_path / "cut" / "model.safetensors").exists()
    cut = train_one(family, member, recipe, data, tmp_path / "cut")
    for name, value in weights(whole).items():
        assert torch.equal(value, cut.state_dict()[name])
    assert sorted(file.name for file in (tmp_path / "cut").iterdir()) == ["model.safetensors", "settings.json"]


@pytest.mark.parametrize("name", SMALL)
def test_stacked_training_equals_single_training(name):
    # In double precision, where rounding is far below the tolerance of 1e-9.
    family, data = families.get(name), families.get(name).load(None, False)

    def double(*arguments):
        return tuple(part.double() if part.is_floating_point() else part for part in family.batch(*arguments))

    exact = replace(family, build=lambda width: family.build(width).double(), batch=double)
    recipe = short(name, 6)
    stacked = train_stack(exact, family.widths[1], [0, 1, 2], recipe, data)
    for seed, network in enumerate(stacked):
        alone = train_one(exact, Member(family.widths[1], seed), recipe, data)
        for key, value in alone.state_dict().items():
            assert torch.allclose(value.double(), network.state_dict()[key].double(), rtol=0, atol=1e-9), key


@pytest.mark.fault(group="two", tried="another training in the folder of this one", on="`mirage vision train`", happens="refused", says="was asked for")
def test_a_folder_with_another_training_is_refused(tmp_path):
    family = families.get("digits")
    data = family.load(None, False)
    train_one(family, Member(2, 0), short("digits", 2), data, tmp_path)
    with pytest.raises(ValueError, match="was asked for"):
        train_one(family, Member(2, 0), short("digits", 3), data, tmp_path)


def test_a_family_is_trained_asked_and_frozen_from_the_command_line(tmp_path, capsys):
    runs = str(tmp_path / "runs")
    train = ["vision", "train", "digits", "--mode", "small", "--widths", "2", "8", "--out", runs, "--jobs", "1"]
    assert cli.main(train) == 0
    assert "10 right at once" in capsys.readouterr().out
    assert cli.main(["vision", "freeze", "digits", "--runs", runs, "--name", "d", "--into", str(tmp_path / "f")]) == 0
    table = outputs.load("d", tmp_path / "f")
    assert table.select("n_params", "seed").n_unique() == 4 and table["item"].n_unique() == 360
    assert len(outputs.read_stamp("d", tmp_path / "f")["weights"]) == 4


def test_an_unknown_width_is_named(tmp_path, capsys):
    assert cli.main(["vision", "train", "digits", "--widths", "5", "--out", str(tmp_path)]) == 1
    assert "digits has no width 5: choose from 1, 2, 3" in capsys.readouterr().err


def test_answers_are_what_the_network_says():
    family, data = families.get("digits"), datasets.digits()
    network = train_one(family, Member(8, 0), short("digits", 100), data)
    said = families.answers(family, Member(8, 0), network, data)
    with torch.inference_mode():
        direct = network(torch.from_numpy(data.test).float() / 255).argmax(1).numpy()
    assert (said["predicted"].to_numpy() == direct).all() and (said["label"].to_numpy() == data.test_labels).all()
    assert (outputs.check(said, "image label")["n_params"] == sum(p.numel() for p in network.parameters())).all()


def test_episodes_follow_their_rules():
    # Every drawing carries its character and its copy, so the rules can be read off the drawings.
    drawings = np.arange(9 * 20, dtype=float).reshape(9, 20, 1, 1) * np.ones((1, 1, 14, 14))
    shown, labels = sequence.episodes(drawings, 400, np.random.default_rng(0))
    number = shown[:, :, 0, 0].astype(int)
    characters = number // 20
    for row in range(400):
        assert len(set(number[row])) == 10, "no drawing is shown twice"
        meaning = dict(zip(characters[row, :5], labels[row, :5], strict=True))
        assert len(meaning) == 5 and sorted(meaning.values()) == [0, 1, 2, 3, 4]
        assert [meaning[c] for c in characters[row, 5:]] == labels[row, 5:].tolist()
    # Labels are shuffled: a character has each label about equally often.
    counts = np.bincount(labels[:, :5][characters[:, :5] == 0], minlength=5)
    assert counts.min() > counts.sum() / 5 - 4 * np.sqrt(counts.sum() * 0.16)


def test_a_query_sees_neither_its_label_nor_later_drawings():
    torch.manual_seed(0)
    network = sequence.build(8).eval()
    shown, labels = (torch.from_numpy(part) for part in sequence.episodes(sequence.load_digits().test, 4, np.random.default_rng(1)))
    said = network(shown, labels)
    other = labels.clone()
    other[:, 5:] = (other[:, 5:] + 1) % 5
    assert torch.equal(network(shown, other), said)
    later = shown.clone()
    later[:, 8:] = 0
    assert torch.allclose(network(later, labels)[:, :3], said[:, :3], atol=1e-6)


def test_test_characters_are_in_no_training_episode():
    characters = datasets.Characters(np.random.default_rng(0).random((24, 20, 14, 14)), np.array(["a"] * 24))
    drawings = sequence.split(characters)
    seen = {drawing.tobytes() for turned in drawings.train for drawing in turned}
    assert not seen & {drawing.tobytes() for character in drawings.test for drawing in character}


def test_the_published_sizes_are_those_of_the_recovered_networks():
    for units, published in ((1, 6547), (16, 100_792), (64, 402_376)):
        counted = sum(value.numel() for value in lenet.flat(units).parameters())
        assert counted == 264 + 6283 * units and counted == pytest.approx(published, rel=0.001)


def test_no_training_piece_touches_the_test_side_of_a_photograph(monkeypatch):
    import sklearn.datasets

    scene = np.zeros((200, 600, 3), dtype=np.uint8)
    scene[:, 450:] = 255

    class Scenes:
        images = [scene, scene]

    monkeypatch.setattr(sklearn.datasets, "load_sample_images", lambda: Scenes)
    pictures = datasets.photographs(train=200, test=50)
    assert pictures.train.max() == 0 and pictures.test.min() == 255


def test_missing_pictures_say_where_they_were_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("MIRAGE_DATA", raising=False)
    for load, what in ((datasets.mnist, "MNIST"), (datasets.cifar100, "CIFAR-100"), (datasets.omniglot, "Omniglot")):
        with pytest.raises(datasets.MissingData, match=f"{what} cannot be had .*MIRAGE_DATA.*--download"):
            load()
        with pytest.raises(datasets.MissingData, match=str(tmp_path)):
            load(tmp_path)


def _idx(numbers: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, numbers.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in numbers.shape)
    return head + numbers.astype(np.uint8).tobytes()


@pytest.mark.parametrize("packed", [True, False])
def test_mnist_is_read_in_its_layout_packed_or_not(tmp_path, packed):
    rng = np.random.default_rng(0)
    raw = tmp_path / "raw"
    raw.mkdir()
    made = {}
    for part, n in (("train", 7), ("t10k", 3)):
        made[part] = rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)
        for kind, numbers in zip(("images-idx3", "labels-idx1"), made[part], strict=True):
            name = f"{part}-{kind}-ubyte"
            if packed:
                with gzip.open(raw / f"{name}.gz", "wb") as file:
                    file.write(_idx(numbers))
            else:
                (raw / name).write_bytes(_idx(numbers))
    pictures = datasets.mnist(tmp_path)
    assert (pictures.train[:, 0] == made["train"][0]).all() and (pictures.test_labels == made["t10k"][1]).all()


@pytest.mark.fault(group="frozen", tried="a damaged file of pictures", on="`mirage vision train`", happens="refused with the file and where to get it")
def test_a_damaged_file_of_pictures_is_named(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "train-images-idx3-ubyte.gz").write_bytes(b"not packed")
    with pytest.raises(datasets.MissingData, match="MNIST cannot be had"):
        datasets.mnist(tmp_path)


@needs_data
def test_the_real_sets_have_their_sizes():
    mnist = datasets.mnist()
    assert mnist.train.shape == (60_000, 1, 28, 28) and np.bincount(mnist.test_labels).tolist()[0] == 980
    characters = datasets.omniglot(side=14)
    assert characters.drawings.shape[1:] == (20, 14, 14)
    # Greek and Latin lie in both small sets: each is taken once.
    assert len(set(characters.alphabets)) == 8 and len(characters.drawings) == 242


@pytest.mark.fault(group="frozen", tried="a damaged archive of characters", on="`mirage vision train`", happens="refused with the file and where to get it")
@needs_data
def test_a_damaged_archive_of_characters_is_named(tmp_path):
    whole = next((Path(DATA) / "vision" / "omniglot").glob("*.zip"))
    shutil.copy(whole, tmp_path / whole.name)
    (tmp_path / whole.name).chmod(0o644)
    with (tmp_path / whole.name).open("r+b") as file:
        file.truncate(10_000)
    with pytest.raises(datasets.MissingData, match="Omniglot cannot be had"):
        datasets.omniglot(tmp_path)


def test_a_family_on_a_cluster_equals_one_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # a cluster of this process alone; no token is to be written
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    chosen, recipe = families.members((2, 4), (0,)), short("digits", 10)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        families.train("digits", tmp_path / "ray", chosen, recipe, device="cpu", backend="ray", jobs=2)
    finally:
        ray.shutdown()
    families.train("digits", tmp_path / "loky", chosen, recipe, device="cpu", jobs=2)
    one, other = (families.collect("digits", tmp_path / folder) for folder in ("ray", "loky"))
    assert_frame_equal(one[0], other[0])
    assert one[1] == other[1] and isinstance(one[0], pl.DataFrame)
