"""CSV files of one's own: what was written comes back, and mistakes are named with their place."""

import csv
import io
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from initviz.lab import datasets
from initviz.lab.datasets import describe, load, preview
from tests.lab.own_files import TEN, of, refusal, table, thorough

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
