"""NPZ files of one's own: what was written comes back, and mistakes are named with their array."""

import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab import datasets
from initviz.lab.datasets import Description, describe, load
from initviz.lab.datasets.npz_files import PIECE
from initviz.lab.experiment import Experiment
from initviz.lab.training_settings import Training
from tests.lab.own_files import is_one_sentence, of, outcome, refusal, table, thorough

# -- NPZ: what comes back ------------------------------------------------------------------

TYPES = ["<f8", ">f8", "<f4", "<f2", "<i8", ">i2", "|u1", "|b1"]


@thorough
@given(
    st.sampled_from(TYPES),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.integers(10, 30),
    st.sampled_from("CF"),
    st.sampled_from(["<i8", "|u1", "<f4", "<U3", ">U3"]),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_arrays_come_back(kind, shape, samples, order, label_kind, is_packed, seed):
    random = np.random.default_rng(seed)
    inputs = np.asarray(random.integers(0, 2, (samples, *shape)), kind, order=order)
    labels = (np.arange(samples) % 3).astype(label_kind)
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.npz")
        (np.savez_compressed if is_packed else np.savez)(path, X=inputs, y=labels)
        found, codes, classes = table(path)
        known = describe(of(path))
        data = load(of(path, scaling="raw"), datasets.generator(1))
    if len(shape) == 2 and kind == "|u1":  # bytes are images of one channel
        shape = [1, *shape]
    assert np.array_equal(found, inputs.reshape(samples, -1))
    assert codes.tolist() == [i % 3 for i in range(samples)]
    assert classes == ("0", "1", "2")
    assert known == Description(tuple(shape), 3)
    assert data.shape == tuple(shape)
    assert data.train_inputs.dtype == np.float64
    assert data.train_inputs.shape == (int(0.8 * samples), known.features)


@pytest.mark.parametrize("shape", [(10, 8, 8), (10, 1, 8, 8)])
def test_a_convolution_reads_images_of_one_channel(pack, shape):
    from initviz import run

    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    path = pack(X=images, y=GOOD["y"])
    text = (
        "[network]\narchitecture = 'cnn'\nhidden_layers = 2\nwidth = 3\n"
        f"[training]\ndata = '{path}'\nbatch_size = 4\n"
    )
    assert np.isfinite(run(Experiment.from_toml(text), steps=1).scalar("loss")).all()


@pytest.mark.parametrize("x", ["X", "x", "inputs", "data", "images", "x_train"])
@pytest.mark.parametrize("y", ["y", "labels", "target", "y_train"])
def test_arrays_go_by_several_names(pack, x, y):
    inputs, labels = np.arange(40.0).reshape(10, 2, 2), np.arange(10) % 2
    shape = describe(of(pack(**{x: inputs, y: labels.reshape(10, 1)}))).shape
    assert shape == ((1, 2, 2) if x == "images" else (2, 2))


def test_our_own_digits_can_be_read_as_a_file():
    from initviz import resources

    path = resources.path("data", "digits.npz")
    assert describe(of(path)) == Description((1, 8, 8), 10)
    a = load(of(path), datasets.generator(3))
    b = load(Training(data="digits"), datasets.generator(3))
    assert np.array_equal(a.train_inputs, b.train_inputs)
    assert np.array_equal(a.test_labels, b.test_labels)


# -- NPZ: what is refused ------------------------------------------------------------------

GOOD = {"X": np.arange(20.0).reshape(10, 2), "y": np.arange(10) % 2}


class Trap:
    """Unpickling one of these would be seen."""

    sprung = False

    def __reduce__(self):
        return setattr, (Trap, "sprung", True)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"X": GOOD["X"]}, "no array is called y, Y, labels, label, target, targets, y_train; "),
        ({"a": GOOD["X"], "y": GOOD["y"]}, "no array is called X, x, inputs, data, images"),
        ({"X": np.arange(10.0)}, "array 'X': its shape is (10,): (samples, features), "),
        ({"X": np.zeros((10, 1, 1, 1, 1))}, "array 'X': its shape is (10, 1, 1, 1, 1)"),
        ({"X": np.zeros((10, 0))}, "array 'X': no features"),
        ({"X": np.zeros((9, 2))}, "array 'X': 9 samples, of at least 10"),
        ({"X": np.zeros((10, 20_001), np.uint8)}, "array 'X': 20001 features, of at most 20000"),
        ({"X": np.zeros((10, 2), complex)}, "array 'X': values of type '<c16' are neither"),
        ({"X": np.full((10, 2), "a")}, "array 'X': <U1 is no type of real numbers"),
        ({"X": np.full((10, 2), Trap())}, "array 'X': it holds pickled objects, which are never"),
        ({"y": np.full(10, Trap())}, "array 'y': it holds pickled objects, which are never"),
        ({"y": np.zeros((10, 3))}, "array 'y': its shape is (10, 3); one label for each of the 10"),
        ({"y": np.zeros(11)}, "array 'y': its shape is (11,); one label"),
        ({"y": np.zeros(10)}, "array 'y': every label is '0'; at least 2 classes"),
        ({"y": np.arange(10)}, "array 'y': 10 different labels of 10 samples"),
        ({"y": np.array([np.nan] * 10)}, "array 'y': y[0] = nan is no class"),
        ({"y": np.array(["a", ""] * 5)}, "array 'y': y[1] is empty"),
        ({"y": np.array(["a" * 101] * 10)}, "array 'y': 4040 bytes of <U101; labels are"),
        ({"y": np.array([b"a", b"b"] * 5)}, "array 'y': values of type '|S1' are neither"),
    ],
)
def test_a_mistake_in_an_archive_is_named_with_its_array(pack, arrays, said):
    both = arrays if "a" in arrays or (arrays.keys() == {"X"} and "no array" in said) else None
    assert refusal(pack(**(both or GOOD | arrays))).startswith(said)
    assert not Trap.sprung


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_a_number_that_is_not_finite_is_named_with_its_index(pack, value, kind):
    inputs = np.zeros((10, 2, 3), kind)
    inputs[4, 1, 2] = value
    said = refusal(pack(X=inputs, y=GOOD["y"]))
    assert said.startswith(f"array 'X': X[4, 1, 2] = {value:g} is not allowed: inputs are finite")


def archive(path, members, **how):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **how) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def npy(shape, content, kind="<f8"):
    """An array file that declares any shape over any content."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


LABELS = npy("(10,)", (np.arange(10) % 2).astype("<f8").tobytes())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "array 'X': no NumPy array"),
        (b"\x93NUMPY", "array 'X': no NumPy array"),
        (b"\x93NUMPY\x03\x00\xff\xff\xff\xff", "array 'X': a header of 4294967295 bytes"),
        (npy("(10, 10**12)", b""), "array 'X': its header is damaged"),
        (npy("(-10, 2)", b""), "array 'X': its header is damaged"),
        (npy("(10, True)", b""), "array 'X': its header is damaged"),
        (npy("(" * 3000, b""), "array 'X': its header is damaged"),
        (npy("(1000000000, 1000000)", b""), "array 'X': 8"),
        (npy("(10, 2)", b"\0" * 159), "array 'X': "),
        (npy("(10, 2)", b"\0" * 161), "array 'X': "),
        (npy("(10, 2)", b"\0" * 160, "<M8[s]"), "array 'X': values of type '<M8[s]' are neither"),
        (npy("(10, 2)", b"\0" * 160, "O"), "array 'X': it holds pickled objects"),
        (npy("(10, 2)", b"\0" * 160, "|V8"), "array 'X': values of type '|V8' are neither"),
        (pickle.dumps(Trap()), "array 'X': no NumPy array"),
    ],
)
def test_an_array_that_declares_what_it_does_not_hold_is_refused(tmp_path, content, said):
    path = archive(tmp_path / "a.npz", [("X.npy", content), ("y.npy", LABELS)])
    assert refusal(path).startswith(said)
    assert not Trap.sprung


def test_a_bomb_is_refused_before_memory_is_taken(tmp_path):
    # 30 000 000 numbers, one too many by far, packed into a tiny file.
    content = npy("(1500, 20000)", bytes(1500 * 20_000), "|u1")
    path = archive(tmp_path / "a.npz", [("X.npy", content), ("y.npy", LABELS)])
    del content
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    said = refusal(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert said.startswith("array 'X': 1500 samples × 20000 features, of at most 25000000 numbers")


def test_two_arrays_of_one_name_are_refused(tmp_path):
    inputs = npy("(10, 2)", b"\0" * 160)
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive(tmp_path / "a.npz", [("X.npy", inputs), ("X.npy", inputs)])
    assert refusal(path) == "2 arrays are called 'X'; one is"


def test_an_endless_list_of_contents_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    listed = 100_000 * (46 + 1)
    assert listed > PIECE
    entry = b"PK\1\2" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, listed, 0, 0)
    path.write_bytes(entry * 100_000 + end)
    assert refusal(path) == "no sound NumPy archive (too long a list of contents)"


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"junk" * 1000, b"PK\5\6" + bytes(18)])
def test_what_is_no_archive_is_refused(write, content):
    assert refusal(write(content, "a.npz"))


@settings(derandomize=True, max_examples=150)
@given(st.data())
def test_no_damage_to_an_archive_is_shown_as_data(data):
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.npz")
        packed = data.draw(st.booleans())
        (np.savez_compressed if packed else np.savez)(path, **GOOD)
        content = bytearray(path.read_bytes())
        if data.draw(st.booleans()):
            del content[data.draw(st.integers(0, len(content) - 1)) :]
        else:
            for _ in range(data.draw(st.integers(1, 4))):
                content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
                    st.integers(0, 255)
                )
        path.write_bytes(content)
        found, said = outcome(path)
    if found is None:
        assert is_one_sentence(said, path)
    else:
        assert np.array_equal(found[0], GOOD["X"])
        assert np.array_equal(found[1], GOOD["y"])


@settings(derandomize=True, max_examples=200)
@given(
    st.binary(max_size=400) | st.text('0123456789.,;\t"\n\r eyn-+', max_size=400).map(str.encode)
)
def test_junk_is_read_or_refused_in_one_sentence(content):
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_bytes(content)
        found, said = outcome(path)
    if found is None:
        assert is_one_sentence(said, path)
    else:
        inputs, labels, classes = found
        assert np.isfinite(inputs).all()
        assert 2 <= len(classes) == labels.max() + 1
