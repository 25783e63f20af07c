"""Files of one's own: what was written comes back, and what is wrong is named with its place."""

import csv
import io
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from initviz.lab import datasets
from initviz.lab.datasets import Description, describe, load, preview
from initviz.lab.datasets.npz_files import PIECE
from initviz.lab.experiment import Experiment
from initviz.lab.training_settings import Training

thorough = settings(derandomize=True, max_examples=60)
TEN = "".join(f"{i},{i * i % 7},{'ab'[i % 2]}\n" for i in range(10))


def of(path, **values):
    return Training(data="file", path=str(path), **values)


def table(path):
    """Everything that a file holds: inputs, labels, names of the classes."""
    entry = datasets.DATASETS["file"]
    inputs, labels = entry.draw(of(path), datasets.generator(0))
    return inputs, labels, entry.files.table(of(path)).classes


def refusal(path, training=None):
    """What is said of a bad file: one sentence that begins with its path."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        load(training or of(path), datasets.generator(0))
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    assert len(text) < len(str(path)) + 300
    return text.removeprefix(str(path)).lstrip(":, ")


def outcome(path):
    """What a file that may be sound holds, and what is said of it if it is not."""
    try:
        return table(path), ""
    except ValueError as error:
        return None, str(error)


def is_one_sentence(said, path):
    return said.startswith(str(path)) and "\n" not in said


@pytest.fixture
def write(tmp_path):
    """Write a text or bytes to a .csv file and return its path."""

    def write(content, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def pack(tmp_path):
    """Write arrays to an .npz file and return its path."""

    def pack(**arrays):
        np.savez_compressed(tmp_path / "a.npz", **arrays)
        return tmp_path / "a.npz"

    return pack


# -- CSV: what comes back ------------------------------------------------------------------

numbers = st.floats(-1e100, 1e100)
names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"]) | st.sampled_from(' ",;'), min_size=1
).map(str.strip)


@st.composite
def labelled(draw):
    """Rows of numbers and as many labels, each class at least twice."""
    kinds = draw(st.lists(names.filter(bool), min_size=2, max_size=4, unique=True))
    rows = draw(st.integers(10, 25))
    width = draw(st.integers(1, 5))
    values = draw(
        st.lists(st.lists(numbers, min_size=width, max_size=width), min_size=rows, max_size=rows)
    )
    others = st.lists(st.sampled_from(kinds), min_size=rows - 4, max_size=rows - 4)
    return values, [kinds[0], kinds[1]] * 2 + draw(others)


@thorough
@given(
    labelled(),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_numbers_and_labels_of_a_text_file_come_back(data, delimiter, end, mark, quoting):
    values, labels = data
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow([*(f"f{at}" for at in range(len(values[0]))), "label"])
    writer.writerows([*map(repr, row), label] for row, label in zip(values, labels, strict=True))
    # The character between the cells is told by the text; labels full of another mislead.
    assume(not any(other in label for other in "\t;," for label in labels if other != delimiter))
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_bytes(mark + text.getvalue().encode())
        inputs, codes, classes = table(path)
    assert np.array_equal(inputs, np.array(values))
    assert same_classes([classes[code] for code in codes], labels)
    assert classes == tuple(sorted(set(classes), key=classes.index))


def same_classes(found, given):
    """Whether samples have equal labels where they had: 1 and 1.0 are one class."""
    try:
        return list(map(float, found)) == list(map(float, given))
    except ValueError:
        return found == given


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("has_header", [False, True])
@pytest.mark.parametrize("ends", [True, False])
def test_the_delimiter_and_the_header_are_found(write, delimiter, has_header, ends):
    text = "height,width,kind\n" * has_header + TEN
    inputs, labels, classes = table(write(text.replace(",", delimiter)[: None if ends else -1]))
    assert inputs.tolist() == [[i, i * i % 7] for i in range(10)]
    assert labels.tolist() == [i % 2 for i in range(10)]
    assert classes == ("a", "b")


@pytest.mark.parametrize("name", ["y", "label", "Class", "TARGET", "labels"])
def test_a_column_that_is_called_so_is_the_label_wherever_it_stands(write, name):
    text = f"{name},u,v\n" + "".join(f"{i % 3},{i},{-i}\n" for i in range(12))
    path = write(text)
    inputs, labels, _ = table(path)
    assert inputs.tolist() == [[i, -i] for i in range(12)]
    assert labels.tolist() == [i % 3 for i in range(12)]
    assert preview(of(path)).columns == ("u", "v", name)


def test_the_last_column_is_the_label_before_any_other_name(write):
    text = "x,y,label\n" + "".join(f"{i},{i}.5,{i % 2}\n" for i in range(10))
    assert table(write(text))[0].tolist() == [[i, i + 0.5] for i in range(10)]


def test_numbers_that_count_the_columns_are_a_header_if_the_label_is_named(write):
    text = "0,1,label\n" + TEN
    assert table(write(text))[2] == ("a", "b")


def test_one_text_among_numbers_in_the_first_line_is_a_mistake_and_no_header(write):
    said = refusal(write("1,oops,2,a\n" + "1,2,3,a\n1,2,3,b\n" * 9))
    assert said == "line 1, column 2: 'oops' is not a number"


def test_labels_that_are_numbers_are_ordered_as_numbers(write):
    labels = ["10", "9", "1", "1.0", "1e1", "9"] * 3
    path = write("".join(f"{i},{label}\n" for i, label in enumerate(labels)))
    _, codes, classes = table(path)
    assert classes == ("1", "9", "10")
    assert codes.tolist() == [2, 1, 0, 0, 2, 1] * 3


def test_blank_lines_and_spaces_around_cells_are_passed_over(write):
    text = "\n" + TEN.replace(",", " , ").replace("\n", " \n\n , , \n")
    inputs, _, classes = table(write(text))
    assert inputs.shape == (10, 2)
    assert classes == ("a", "b")


def test_quotes_keep_delimiters_and_lines_together(write):
    text = "".join(f'{i},"a, ""b""\nc"\n{i},d\n' for i in range(10))
    assert table(write(text))[2] == ('a, "b"\nc', "d")


# -- CSV: what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("\n\n \n", "empty"),
        ("a,b,y\n", "0 samples, of at least 10"),
        ("1,2,0", "1 sample, of at least 10"),
        ("5\n6\n", "line 1: one column; a feature and a label are needed"),
        ("u,v,y\n1,2,0\n1,red,0\n", "line 3, column 2 ('v'): 'red' is not a number"),
        ("y,u,v\n1,2,0\n1,2,red\n", "line 3, column 3 ('v'): 'red' is not a number"),
        ("1,2,0\n1,,0\n", "line 2, column 2: the cell is empty"),
        ("1,2,0\n\n1,2,\n", "line 3, column 3: the label is empty"),
        ("1;2;0\n1,5;2;0\n", "line 2, column 1: '1,5' is not a number; decimals have a point"),
        ("1,2,0\n1,2\n", "line 2: 2 cells; the first line has 3"),
        ("1,2,0\n1,2,3,4\n", "line 2: 4 cells; the first line has 3"),
        ("1,2,0\n1_000,2,0\n", "line 2, column 1: '1_000' is not a number"),
        ('1,2,0\n1,"2,0\n', "line 2: a quote is never closed"),
        ('1,2,0\n1,2"x"3,0\n1,"2"3,0\n', "line 2, column 2: "),
        (TEN + "nan,1,a\n", "line 11, column 1: nan is not allowed: inputs are finite"),
        (TEN + "1,-inf,a\n", "line 11, column 2: -inf is not allowed"),
        ("u,v,y\n" + TEN + "1,1e101,a\n", "line 12, column 2 ('v'): 1e+101 is not allowed"),
        ("1,2,0\n" * 9 + "1,2,nan\n", "line 10, column 3: 'nan' is no class"),
        ("1,2,a\n" * 10, "column 3: every label is 'a'; at least 2 classes are needed"),
        ("u,kind\n" + "1,a\n" * 10, "column 2 ('kind'): every label is 'a'"),
        ("".join(f"1,{i}.5\n" for i in range(30)), "column 2: 30 different labels of 30 samples"),
        ("".join(f"1,{i % 1500}\n" for i in range(3000)), "column 2: 1500 different labels, of at"),
        ("1,2,0\n1,2," + "x" * 101, "line 2, column 3: a label of 101 characters, of at most 100"),
        ("label,label,x\n1,2,0\n", "line 1: 2 columns are called 'label'; one is"),
        (TEN.encode("utf-16"), "text in UTF-16; save it in UTF-8"),
        (TEN.encode() + "1,2,Müller\n".encode("latin-1"), "line 11: not text in UTF-8"),
        (b"\x00\x01\x02", "line 1: a zero byte; this is no text file"),
        (b"\x89PNG\r\n\x1a\n", "line 1: not text in UTF-8"),
        (TEN + "," * 1_000_001, "line 11: longer than 1000000 characters"),
        ("1," * 20_001 + "0\n", "line 1: 20001 features, of at most 20000"),
        ("1,2," + "x" * 200_000 + "\n", "line 1: field larger than field limit"),
    ],
)
def test_a_mistake_in_a_text_file_is_named_with_its_place(write, content, said):
    assert refusal(write(content)).startswith(said)


def test_a_file_without_end_of_lines_or_columns_takes_little_memory(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("wb") as file:  # sparse: half a gigabyte of zero bytes after the comma
        file.write(b"1,")
        file.truncate(500 * 2**20)
    tracemalloc.start()
    refusal(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_file_that_is_too_large_is_not_opened(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(600 * 2**20)
    assert refusal(path) == "600 MiB, of at most 512 MiB"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "training.path is empty: choose a .csv or .npz file"),
        ("/no/such/file.csv", "/no/such/file.csv: No such file or directory"),
        ("~no-such-person/data.csv", "~no-such-person/data.csv: No such file or directory"),
        ("x" * 300 + ".csv", "x" * 300 + ".csv: File name too long"),
        ("data.xlsx", "data.xlsx: not a .csv or .npz file"),
    ],
)
@pytest.mark.parametrize("ask", [describe, preview, lambda t: load(t, datasets.generator(0))])
def test_a_file_that_is_not_there_is_named(ask, path, said):
    with pytest.raises(ValueError, match=r"\S") as caught:
        ask(of(path))
    assert str(caught.value) == said


def test_a_folder_or_device_is_no_file(tmp_path):
    folder = tmp_path / "a.csv"
    folder.mkdir()
    assert refusal(folder) == "not a file"


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


# -- together with the rest ----------------------------------------------------------------


def test_a_file_is_read_again_only_when_it_has_changed(write, monkeypatch):
    from initviz.lab.datasets import own_files

    reads = []
    original = own_files._READERS[".csv"]
    monkeypatch.setitem(
        own_files._READERS, ".csv", lambda path: reads.append(path) or original(path)
    )
    path = write(TEN)
    for _ in range(3):
        assert describe(of(path)).shape == (2,)
        load(of(path), datasets.generator(0))
        datasets.second_moment(of(path), 0)
    assert len(reads) == 1
    write(
        TEN.replace(",", ",1,", 1).replace("\n", "\n", 1) and "7," + TEN.replace("\n", "\n7,")[:-2]
    )
    assert describe(of(path)).shape == (3,)
    assert len(reads) == 2


def test_what_is_kept_cannot_be_changed(write):
    inputs, labels, _ = table(write(TEN))
    assert not inputs.flags.writeable
    assert not labels.flags.writeable


def test_of_many_samples_some_are_drawn_by_the_seed(pack):
    samples = datasets.MOST_USED + 500
    path = pack(X=np.arange(samples, dtype=np.float64)[:, None], y=np.arange(samples) % 2)
    a, b = (load(of(path, scaling="raw"), datasets.generator(seed)) for seed in (0, 1))
    used = [np.concatenate([d.train_inputs, d.test_inputs]).ravel() for d in (a, b)]
    for found in used:
        assert len(found) == len(set(found)) == datasets.MOST_USED
    assert set(used[0]) != set(used[1])
    assert len(a.train_labels) == 0.8 * datasets.MOST_USED
    seen = preview(of(path))
    assert (seen.samples, seen.used) == (samples, datasets.MOST_USED)
    assert f"Of {samples} samples {datasets.MOST_USED} are used" in seen.warnings[0]


def test_a_preview_tells_what_is_odd(write):
    rows = ["n,still,v,kind", "1,5,3,b", "2,5,3,b"]
    rows += [f"{i},5,{i * i % 11},a" for i in range(3, 43)]
    found = preview(of(write("\n".join(rows))))
    assert found.columns == ("n", "still", "v", "kind")
    assert found.rows[0] == ("1", "5", "3", "b")
    assert found.classes == (("a", 40), ("b", 2))
    assert found.summary == "42 samples, 3 features, 2 classes"
    assert found.warnings == (
        "Classes with hardly a sample to test on: 'b' has 2.",
        "A guess of 'a' is right for 95 % of the samples.",
        "1 of 3 features never change, and tell nothing: still.",
        "Only the number of the sample, it seems, and no feature: n.",
    )


def test_a_preview_counts_copies(write):
    assert preview(of(write(TEN + TEN))).warnings == (
        "10 samples are copies of others: some may be trained on and tested on.",
    )


def test_a_preview_of_many_columns_shows_the_first(pack):
    inputs = np.random.default_rng(0).standard_normal((20, 3, 4, 5))
    found = preview(of(pack(X=inputs, y=np.arange(20) % 2)))
    assert found.columns == (*(f"x{at}" for at in range(1, 9)), "…", "y")
    assert found.summary == "20 samples, images of 4×5 pixels in 3 channels, 2 classes"
    assert found.warnings == ()


def test_an_experiment_with_a_file_is_valid_before_the_file_is_there():
    experiment = Experiment.from_toml('[training]\ndata = "my.csv"')
    assert (experiment.training.data, experiment.training.path) == ("file", "my.csv")
    assert Experiment.from_toml(experiment.to_toml()) == experiment
    assert Experiment.from_toml('[training]\ndata = "file"').training.path == ""


def test_a_run_trains_on_a_file(write):
    from initviz import run

    path = write(TEN * 5)
    text = f"[network]\nhidden_layers = 1\nwidth = 4\n[training]\ndata = '{path}'\n"
    recording = run(Experiment.from_toml(text), steps=2)
    assert np.isfinite(recording.scalar("loss")).all()
    assert recording.weights("hidden 1", step=0).shape == (4, 2)


@pytest.mark.slow
def test_a_large_table_is_read_in_a_few_seconds(tmp_path):
    import time

    random = np.random.default_rng(0)
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        for label in range(100_000):
            file.write(",".join(map("{:.6f}".format, random.random(100))) + f",{label % 5}\n")
    began = time.perf_counter()
    assert describe(of(path)) == Description((100,), 5)
    assert time.perf_counter() - began < 30  # 3 s where nothing else runs
