"""MNIST, Fashion-MNIST and CIFAR-10 in their published formats; damage is named with its file."""

import gzip
import pickle
import struct
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab import datasets
from initviz.lab.datasets import Description, describe, load, preview
from initviz.lab.experiment import Experiment
from initviz.lab.training_settings import Training

thorough = settings(derandomize=True, max_examples=25)
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(array):
    """An array of bytes as an IDX file holds it."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def scans(count, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, 28, 28), np.uint8), random.integers(
        0, 10, count, np.uint8
    )


def put(folder, images, labels, suffix=""):
    """The two files that are looked for."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in ((IMAGES, images), (LABELS, labels)):
        content = idx(array) if isinstance(array, np.ndarray) else array
        packed = gzip.compress(content) if suffix == ".gz" else content
        (folder / (name + suffix)).write_bytes(packed)
    return folder


def put_cifar(folder, batches):
    folder.mkdir(parents=True, exist_ok=True)
    for number, records in enumerate(batches, 1):
        (folder / f"data_batch_{number}.bin").write_bytes(records.tobytes())
    return folder


def batches(count, seed=0):
    records = np.random.default_rng(seed).integers(0, 256, (5, count, 3073), np.uint8)
    records[:, :, 0] %= 10
    return records


def drawn(name, folder):
    training = Training(data=name, path=str(folder))
    return datasets.DATASETS[name].draw(training, datasets.generator(0))


def refusal(name, folder):
    with pytest.raises(ValueError, match=r"\S") as caught:
        load(Training(data=name, path=str(folder)), datasets.generator(0))
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(folder))
    return text.removeprefix(str(folder)).lstrip("/\\: ")


@thorough
@given(
    st.sampled_from(["mnist", "fashion_mnist"]),
    st.integers(10, 40),
    st.sampled_from(["", ".gz"]),
    st.integers(0, 1000),
)
def test_scans_come_back(name, count, suffix, seed):
    images, labels = scans(count, seed)
    with TemporaryDirectory() as folder:
        put(Path(folder), images, labels, suffix)
        found, codes = drawn(name, folder)
        data = load(Training(data=name, path=folder, scaling="raw"), datasets.generator(0))
    assert np.array_equal(found, images.reshape(count, -1))
    assert np.array_equal(codes, labels)
    assert (data.shape, data.classes) == ((1, 28, 28), 10)
    assert data.train_inputs.shape == (int(0.8 * count), 784)
    assert data.train_inputs.dtype == np.float64


@thorough
@given(st.integers(2, 12), st.integers(0, 1000))
def test_colour_images_come_back_channel_by_channel(count, seed):
    records = batches(count, seed)
    with TemporaryDirectory() as folder:
        found, codes = drawn("cifar10", put_cifar(Path(folder), records))
    assert np.array_equal(found, records[:, :, 1:].reshape(5 * count, 3072))
    assert np.array_equal(codes, records[:, :, 0].ravel())


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("mnist", "MNIST/raw"),
        ("mnist", "raw"),
        ("fashion_mnist", "FashionMNIST/raw"),
        ("fashion_mnist", "data/fashion"),
    ],
)
def test_the_usual_folders_are_looked_into(tmp_path, name, below):
    images, labels = scans(20)
    put(tmp_path / below, images, labels, ".gz")
    assert np.array_equal(drawn(name, tmp_path)[1], labels)


def test_the_two_sets_of_the_same_file_names_are_told_apart_by_their_folders(tmp_path):
    for folder, seed in (("MNIST/raw", 1), ("FashionMNIST/raw", 2)):
        put(tmp_path / folder, *scans(20, seed))
    assert np.array_equal(drawn("mnist", tmp_path)[1], scans(20, 1)[1])
    assert np.array_equal(drawn("fashion_mnist", tmp_path)[1], scans(20, 2)[1])


def test_one_of_the_files_stands_for_its_folder(tmp_path):
    images, labels = scans(20)
    put(tmp_path, images, labels)
    assert np.array_equal(drawn("mnist", tmp_path / IMAGES)[1], labels)
    records = batches(4)
    put_cifar(tmp_path / "cifar-10-batches-bin", records)
    assert len(drawn("cifar10", tmp_path)[1]) == 20
    assert len(drawn("cifar10", tmp_path / "cifar-10-batches-bin/data_batch_3.bin")[1]) == 20


def test_what_some_programs_call_the_files_is_known(tmp_path):
    images, labels = scans(20)
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(idx(labels))
    assert np.array_equal(drawn("mnist", tmp_path)[1], labels)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_shape_and_classes_are_known_without_the_files(name):
    known = describe(Training(data=name))
    shape = (3, 32, 32) if name == "cifar10" else (1, 28, 28)
    assert known == Description(shape, 10)
    text = f'[training]\ndata = "{name}"\n[network]\narchitecture = "cnn"'
    assert Experiment.from_toml(text).training.path == ""
    with pytest.raises(ValueError, match=r"^training\.path is empty: choose the folder with"):
        load(Training(data=name), datasets.generator(0))


def test_what_is_missing_is_named_with_where_it_was_looked_for(tmp_path):
    assert refusal("mnist", tmp_path / "nothing") == "no such folder"
    assert refusal("mnist", tmp_path / ("x" * 300)) == "File name too long"
    said = refusal("mnist", tmp_path)
    assert said == (
        f"no {IMAGES} and no {LABELS} (or .gz), neither here nor in raw, MNIST/raw, MNIST, mnist: "
        "MNIST is read from its published files"
    )
    (tmp_path / (IMAGES + ".gz")).write_bytes(b"")
    assert refusal("mnist", tmp_path).startswith(f"no {LABELS} (or .gz), neither here nor in")
    said = refusal("cifar10", put_cifar(tmp_path, batches(2)[:3]))
    assert said.startswith("no data_batch_4.bin and no data_batch_5.bin, neither here nor in")


def test_the_pickled_version_is_never_opened(tmp_path):
    for number in range(1, 6):
        (tmp_path / f"data_batch_{number}").write_bytes(pickle.dumps({b"data": 1}))
    said = refusal("cifar10", tmp_path)
    assert "the Python version, a pickle, which is never opened" in said
    assert said.endswith("take the binary version (cifar-10-binary.tar.gz)")
    for number in range(1, 6):  # the same under the names of the binary version
        (tmp_path / f"data_batch_{number}.bin").write_bytes(pickle.dumps({b"data": 1}))
    assert "are not from 1 to 10000 records of 3073 bytes" in refusal("cifar10", tmp_path)


def test_an_archive_is_to_be_unpacked(tmp_path):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"")
    said = refusal("cifar10", tmp_path)
    assert said.endswith("cifar-10-binary.tar.gz has to be unpacked first")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (b"", None, "begins with nothing, not 00000803: no IDX file of images"),
        (idx(scans(20)[1]), None, "begins with 00000801, not 00000803: no IDX file of images"),
        (None, idx(scans(20)[0]), "begins with 00000803, not 00000801: no IDX file of labels"),
        (idx(scans(20)[0])[:9], None, "truncated: its header ends after 9 bytes"),
        (idx(scans(20)[0])[:-5], None, "ends after 15675 bytes of images; its header says 15680"),
        (idx(scans(20)[0]) + b"\0", None, "goes on after 15680 bytes of images; its header says"),
        (None, idx(scans(20)[1])[:-1], "ends after 19 bytes of labels; its header says 20"),
        (None, idx(scans(21)[1]), "21 labels for 20 images"),
        (None, idx(np.full(20, 10, np.uint8)), "label 1 is 10: from 0 to 9 is allowed"),
        (idx(np.zeros((20, 32, 32), np.uint8)), None, "images of 32×32 pixels, not 28×28"),
        (idx(scans(9)[0]), None, "its header says 9 images: from 10 to 100000 are allowed"),
        (
            bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 28, 28),
            None,
            "its header says 4294967295 images",
        ),
    ],
)
def test_damage_is_named_with_its_file(tmp_path, suffix, images, labels, said):
    good = scans(20)
    put(tmp_path, images if images is not None else good[0], good[1], suffix)
    if labels is not None:
        put(tmp_path, good[0], labels, suffix)
    found = refusal("mnist", tmp_path)
    file = (IMAGES if images is not None else LABELS) + suffix
    assert found.startswith(f"{file}: {said}")


def test_damaged_gzip_data_are_refused(tmp_path):
    images, labels = scans(20)
    put(tmp_path, images, labels, ".gz")
    file = tmp_path / (IMAGES + ".gz")
    content = file.read_bytes()
    file.write_bytes(content[:-1000])
    assert refusal("mnist", tmp_path).endswith("truncated: the gzip data end too early")
    file.write_bytes(content[:2000] + b"\0" * 50 + content[2050:])
    assert f"{IMAGES}.gz: damaged" in refusal("mnist", tmp_path)


def test_a_gzip_bomb_is_left_after_what_its_header_declares(tmp_path):
    images, labels = scans(20)
    put(tmp_path, idx(images) + bytes(50_000_000), labels, ".gz")
    tracemalloc.start()
    said = refusal("mnist", tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
    assert "goes on after 15680 bytes of images" in said


def test_records_of_wrong_length_or_label_are_refused(tmp_path):
    records = batches(4)
    put_cifar(tmp_path, records)
    file = tmp_path / "data_batch_2.bin"
    file.write_bytes(file.read_bytes()[:-1])
    assert refusal("cifar10", tmp_path).startswith("data_batch_2.bin: 12291 bytes are not from 1")
    records[1, 3, 0] = 10
    put_cifar(tmp_path, records)
    assert refusal("cifar10", tmp_path) == "data_batch_2.bin: label 4 is 10: from 0 to 9 is allowed"
    put_cifar(tmp_path, batches(1))
    assert refusal("cifar10", tmp_path) == "5 images: at least 10"


@pytest.mark.parametrize("scaling", ["standardised", "unit", "raw"])
def test_pixels_are_scaled_each_by_itself(tmp_path, scaling):
    images, labels = scans(50)
    images[:, 3, 4] = 77
    training = Training(data="mnist", path=str(put(tmp_path, images, labels)), scaling=scaling)
    data = load(training, datasets.generator(0))
    still = data.train_inputs.reshape(-1, 28, 28)[:, 3, 4]
    assert set(still) == {77.0 if scaling == "raw" else 0.0}
    others = np.delete(data.train_inputs, 3 * 28 + 4, axis=1)
    if scaling == "unit":
        assert np.array_equal(others.min(axis=0), np.zeros(783))
        np.testing.assert_allclose(others.max(axis=0), 1.0)
    if scaling == "standardised":
        np.testing.assert_allclose(others.std(axis=0), 1.0)
    assert datasets.second_moment(training, 0) == pytest.approx(
        float(np.mean(data.train_inputs**2)), rel=1e-12
    )


def test_a_preview_names_the_classes(tmp_path):
    images, _ = scans(30)
    put(tmp_path, images, np.repeat(np.arange(10, dtype=np.uint8), 3))
    found = preview(Training(data="fashion_mnist", path=str(tmp_path)))
    assert found.classes[0] == ("T-shirt/top", 3)
    assert found.summary == "30 samples, images of 28×28 pixels in 1 channels, 10 classes"
    assert any("'T-shirt/top' has 3" in warning for warning in found.warnings)


@pytest.mark.slow
def test_the_whole_of_the_largest_set_fits_into_little_memory(tmp_path):
    put_cifar(tmp_path, batches(10_000))
    training = Training(data="cifar10", path=str(tmp_path))
    tracemalloc.start()
    data = load(training, datasets.generator(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.train_inputs.shape == (8000, 3072)
    assert data.test_inputs.shape == (2000, 3072)
    assert peak < 800e6
