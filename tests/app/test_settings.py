"""Settings: they come back, and a bad file never blocks the start."""

import logging

import pytest

from initviz.app import settings
from initviz.lab.thresholds import DEFAULTS
from initviz.ui.layout import DEFAULT, Layout, Row
from initviz.ui.window_state import WindowState

FULL = WindowState(
    recent=("/a/b.toml", "c.initviz"),
    has_seen_tour=True,
    theme="dark",
    speed=5.0,
    folder="/some/where",
    geometry=b"\x01\xd9\x00\xff",
    splitters={"columns": (300, 900, 280)},
    options={"loss": {"quantity": "accuracy"}},
    thresholds=DEFAULTS.with_threshold("vanishing", 0.02).with_threshold("dead", 0.07),
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
        "thresholds = 3",
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


@pytest.mark.parametrize(
    "bad",
    ["dead = 2.0", "dead = 'half'", "dead = true", "dead = nan", "dead = inf", "hobby = 0.5"],
)
def test_a_bad_threshold_is_dropped_with_a_line_in_the_log_and_the_others_stay(path, caplog, bad):
    path.parent.mkdir()
    path.write_text(f"[thresholds]\n{bad}\nexploding = 20\n", encoding="utf-8")
    with caplog.at_level(logging.INFO):
        state = settings.load(path)
    assert state == WindowState(thresholds=DEFAULTS.with_threshold("exploding", 20.0))
    assert f"settings: thresholds.{bad.split(' ')[0]}" in caplog.text


def test_thresholds_as_they_come_are_not_written_down(path):
    settings.save(WindowState(), path)
    assert "vanishing" not in path.read_text(encoding="utf-8")


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


# -- the layout of the panels ----------------------------------------------------------------------

MINE = Layout((Row(("loss",)), Row(("phase_map", "gradient_magnitude"), (700, 300))), (250, 750))


@pytest.mark.parametrize("layout", [MINE, Layout(), DEFAULT])
def test_a_layout_comes_back(path, layout):
    settings.save(WindowState(layout=layout), path)
    assert settings.load(path).layout == layout


def _load(path, text):
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return settings.load(path).layout


def test_panels_that_are_not_known_are_dropped_with_a_line_in_the_log(path, caplog):
    rows = (
        '[[layout]]\npanels = ["loss", "crystal_ball", "loss"]\nwidths = [700, 200, 100]\n'
        '[[layout]]\npanels = ["astrology"]\nheight = 400\n'
        '[[layout]]\npanels = ["phase_map"]\n'
    )
    with caplog.at_level(logging.INFO):
        layout = _load(path, rows)
    assert layout == Layout((Row(("loss",)), Row(("phase_map",))))
    assert "'crystal_ball' is not known" in caplog.text
    assert "'astrology' is not known" in caplog.text
    assert "'loss' stands there twice" in caplog.text


@pytest.mark.parametrize(
    "bad",
    [
        "layout = 5",
        "layout = ['loss']",
        "layout = [{}]",
        "layout = [{ panels = 'loss' }]",
        "layout = [{ panels = [3] }]",
        "layout = [{ panels = ['loss'], widths = [1, 2] }]",
        "layout = [{ panels = ['loss'], widths = [-1] }]",
        "layout = [{ panels = ['loss'], widths = [true] }]",
        "layout = [{ panels = ['loss'], widths = [0.5] }]",
        "layout = [{ panels = ['loss'], height = 1000000000 }]",
        "layout = [{ panels = ['crystal_ball'] }]",
        "layout = [{ panels = ['loss', 'phase_map', 'unit_shares', 'seeds', 'update_ratio'] }]",
    ],
)
def test_a_layout_that_makes_no_sense_is_dropped_whole(path, caplog, bad):
    with caplog.at_level(logging.INFO):
        assert _load(path, bad) == DEFAULT
    assert "settings: layout" in caplog.text
