"""Settings: they come back, and a bad file never blocks the start."""

import logging

import pytest

from initviz.app import settings
from initviz.ui.window_state import WindowState

FULL = WindowState(
    theme="dark",
    speed=5.0,
    folder="/some/where",
    geometry=b"\x01\xd9\x00\xff",
    splitters={"columns": (300, 900, 280)},
    options={"loss": {"quantity": "accuracy"}},
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "settings.toml"


@pytest.mark.parametrize("state", [WindowState(), FULL])
def test_what_is_saved_comes_back(path, state):
    settings.save(state, path)
    assert settings.load(path) == state


def test_without_a_file_everything_is_as_at_the_first_start(path):
    assert settings.load(path) == WindowState()


@pytest.mark.parametrize(
    "content",
    [b"", b"theme = ", b"\xff\xfe\x00", b"[" * 5000, b"theme = 'dark'\n" + b"#" * 2_000_000],
    ids=["empty", "broken", "not text", "deep", "huge"],
)
def test_a_damaged_file_never_blocks_the_start(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    assert settings.load(path) == WindowState()


@pytest.mark.parametrize(
    "line",
    [
        "theme = 'pink'",
        "theme = 3",
        "speed = -1",
        "speed = 'fast'",
        "speed = nan",
        "speed = true",
        "folder = 7",
        "geometry = '?!'",
        "geometry = 12",
        "splitters = 5",
        "splitters = { columns = 'wide' }",
        "splitters = { columns = [1, -2] }",
        "splitters = { columns = [1, 10000000000] }",
        "options = { loss = 3 }",
        "options = { loss = { quantity = 3 } }",
        "hobby = 'chess'",
    ],
)
def test_a_bad_value_is_dropped_with_a_line_in_the_log_and_the_others_stay(path, caplog, line):
    path.parent.mkdir()
    other = "folder = '/kept'" if not line.startswith("folder") else "speed = 2.0"
    path.write_text(f"{other}\n{line}\n", encoding="utf-8")
    with caplog.at_level(logging.INFO):
        state = settings.load(path)
    assert state in (WindowState(folder="/kept"), WindowState(speed=2.0))
    assert f"settings: {line.split(' ')[0]}" in caplog.text


def test_saving_replaces_the_file_in_one_move(path):
    settings.save(WindowState(), path)
    settings.save(FULL, path)
    assert settings.load(path) == FULL
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_disk_that_refuses_is_no_fault_of_the_window(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with caplog.at_level(logging.INFO):
        settings.save(FULL, blocked / "settings.toml")
    assert "not written" in caplog.text


def test_the_file_lies_in_the_persons_own_configuration(monkeypatch):
    assert settings.default_path().name == "settings.toml"
    assert "initviz" in settings.default_path().parts
