"""Lines of CSV files: where they end, what their types are, and what is wrong in them."""

import numpy as np
import pytest

from fastnn.data import CSV
from fastnn.data.csv_lines import count_rows, ranges


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.csv"


def rows_of(path, text, **given):
    """Features of all rows of a file with this text."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    X = [rows.X for rows in CSV(path, **given)]
    return np.concatenate(X).tolist() if isinstance(X[0], np.ndarray) else X[0].to_numpy().tolist()


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        "a,b\n1,2\n3,4",
        "a,b\r\n1,2\r\n3,4\r\n",
        "\n\na,b\n\n1,2\n\n\n3,4\n\n",
        "a,b\r\n\r\n1,2\r\n3,4\r\n\r\n",
        '"a","b"\n"1","2"\n"3","4"\n',
        b"\xef\xbb\xbfa,b\n1,2\n3,4\n",
    ],
)
def test_line_ends(path, text):
    assert rows_of(path, text) == [[1, 2], [3, 4]]


def test_blocks_end_at_line_ends(path):
    lines = [f"{i},{'x' * (i % 7)}\n" for i in range(1000)]
    path.write_text("a,b\n" + "".join(lines))
    for n_bytes in (1, 100, 10_000):
        found = list(ranges(path, 4, n_bytes))
        content = path.read_bytes()
        texts = [content[start : start + size].decode() for start, size, _ in found]
        assert "".join(texts) == "".join(lines)
        assert all(text.endswith("\n") for text in texts)
        assert [n for _, _, n in found] == [text.count("\n") for text in texts]
    source = CSV(path, columns=["a"], shuffle_buffer=64)
    assert len(source.blocks()) > 20 and len(source) == 1000
    for block in source.blocks()[::-1]:
        [rows] = source.read(block)
        assert rows.X[:, 0].tolist() == list(rows.numbers)


def test_rows_are_counted():
    assert count_rows(b"") == count_rows(b"\n\r\n\n") == 0
    assert count_rows(b"1\n2") == count_rows(b"1\n\n2\n") == count_rows(b"1\r\n\r\n2\r\n") == 2


def test_delimiter_names_and_types(path):
    assert rows_of(path, "1;2\n3;4\n", delimiter=";", names=["x", "y"]) == [[1, 2], [3, 4]]
    text = "zip,n\n01234,1\n53111,2\n"
    assert rows_of(path, text) == [[1234, 1], [53111, 2]]
    typed = rows_of(path, text, dtype={"zip": "string"})
    assert typed == [["01234", 1], ["53111", 2]]
    path.write_text(text)
    assert next(iter(CSV(path, dtype={"zip": "float32", "n": "float32"}))).X.dtype == np.float32
    with pytest.raises(ValueError, match=r"dtype names a column 'town', which .*t\.csv does not"):
        CSV(path, dtype={"town": "string"})


def test_whole_numbers_become_decimals_and_have_gaps_later(path, tmp_path):
    path.write_text("a,y\n1,0\n2,1\n")
    other = tmp_path / "u.csv"
    other.write_text("y,a\n1,2.5\n0,\n1,NA\n")
    source = CSV([path, other], target="y")
    X = np.concatenate([rows.X for rows in source])
    np.testing.assert_array_equal(X, [[1], [2], [2.5], [np.nan], [np.nan]])
    y = np.concatenate([rows.y for rows in source])
    assert y.dtype == np.int64 and y.tolist() == [0, 1, 1, 0, 1]


LINES = "".join(f"{i},{i % 2}\n" for i in range(100))


@pytest.mark.parametrize(
    "text, message",
    [
        ("a,y\n" + LINES + "x,1\n", "t.csv, row 100: column 'a' has 'x', and numbers are needed"),
        ("a,y\n" + LINES + "1,.5\n", "row 100: column 'y' has '.5', and whole numbers are needed"),
        ("a,y\n" + LINES + "1\n", "t.csv, row 100: there are 1 values, and 2 are needed"),
        ("a,y\n", "t.csv has no rows"),
        ("\n\n", "t.csv is empty"),
        (b"\x1f\x8b\x08\x00", "t.csv is compressed"),
    ],
)
def test_bad_lines(path, text, message):
    """Rows are named by their number in the file, although a block is read by itself."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError) as caught:
        list(CSV(path, target="y", shuffle_buffer=1, dtype={"a": "float64", "y": "int64"}))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "value, message",
    [
        ('"2\n3"', "t.csv has a line break within quotes between the rows 0 and"),
        ('"2', "t.csv has a line break within quotes, between the bytes"),
    ],
)
def test_line_breaks_within_quotes(path, value, message):
    path.write_text(f"a,y\n{LINES}{LINES}1,{value}\n")
    with pytest.raises(ValueError) as caught:
        list(CSV(path, columns=["a"], target="y", dtype={"y": "string"}))
    assert message in str(caught.value)
