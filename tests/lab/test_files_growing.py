"""Files that are written as the run goes: what they hold at any time, and what they cost."""

import os
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from initviz import load
from initviz.lab.files import following, writing
from initviz.lab.files.following import Follower
from initviz.lab.files.writing import PERIOD, RecordingFile, RecordingWriter, journals, save
from initviz.lab.snapshot import Snapshot


class Time:
    """A clock that goes when it is told."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.initviz"


@pytest.fixture
def write(path, growing):
    """Write a run up to a step at `path`, as a program that is killed there leaves it."""
    made = []

    def written(last, first=0, place=path):
        recording = growing.go_on(growing.new_recording(), first)
        writer = RecordingWriter(place, recording)
        made.append(writer)
        growing.go_on(recording, last)
        writer.flush()
        return recording

    yield written
    for writer in made:
        writer.close()


def leave(path, folder):
    """A copy of what lies at `path` now: what is left when its writer is killed at this moment."""
    folder.mkdir(exist_ok=True)
    for place in (path, journals(path)[0]):
        shutil.copyfile(place, folder / place.name)
    return folder / path.name


# -- what it holds --------------------------------------------------------------------------------


def test_at_any_time_the_file_holds_what_the_recording_does(
    path, growing, little_room, assert_same
):
    """Through several thinnings of everything, looked at in steps of all sizes."""
    recording = growing.go_on(growing.new_recording(), 0)
    writer = RecordingWriter(path, recording)
    for last in (1, 2, 60, 101, 102, 300, 340, 341, 800, 1500, 4000):
        growing.go_on(recording, last)
        writer.flush()
        assert_same(load(path), recording, findings=False)
    writer.close()
    assert_same(load(path), recording, findings=False)
    assert len(recording.scalar_track("loss").steps) < 400


def test_a_file_that_grew_reads_as_one_that_was_saved_at_once(path, growing, tmp_path, assert_same):
    recording = growing.go_on(growing.new_recording(), 0)
    writer = RecordingWriter(path, recording)
    for last in range(5, 200, 5):
        growing.go_on(recording, last)
        writer.flush()
    writer.close()
    save(recording, tmp_path / "b.initviz")
    assert_same(load(path), load(tmp_path / "b.initviz"), findings=False)
    assert path.stat().st_size < 1.3 * (tmp_path / "b.initviz").stat().st_size


def test_a_real_run_is_in_the_file_at_every_step(path, small_run, assert_same):
    from initviz.lab.training import new_recording, train

    recording, writer = new_recording(small_run.experiment), None
    for snapshot in train(small_run.experiment, last=12):
        recording.append(snapshot)
        if writer is None:
            writer = RecordingWriter(path, recording)
        writer.flush()
        assert load(path).last_step == snapshot.step
    writer.close()
    assert_same(load(path), recording)
    np.testing.assert_array_equal(recording.scalar("loss"), small_run.scalar("loss"))


def test_how_it_ended_is_in_the_file(path, growing):
    recording = growing.new_recording()
    writer = RecordingWriter(path, recording)
    assert load(path).last_step == -1
    recording.append(Snapshot(0, {"loss": 1.0}, is_last=True, stopped="early"))
    writer.close()
    assert load(path).stopped == "early"


def test_rows_that_came_and_went_between_two_looks_are_not_missed(
    path, growing, little_room, assert_same
):
    """After a long silence even the newest row that was written may have been thinned away."""
    recording = growing.go_on(growing.new_recording(), 150)
    writer = RecordingWriter(path, recording)
    growing.go_on(recording, 5001)
    assert 150 not in recording.scalar_track("loss").steps
    writer.close()
    assert_same(load(path), recording, findings=False)


def test_a_writer_killed_while_it_thins_loses_nothing(path, growing, little_room, monkeypatch):
    """What is new is written first; the file has more rows for a moment than a recording keeps."""
    recording = growing.go_on(growing.new_recording(), 290)
    writer = RecordingWriter(path, recording)
    growing.go_on(recording, 900)

    def killed(self, key, kept):
        raise sqlite3.OperationalError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(RecordingFile, "_thin", killed)
        with pytest.raises(OSError, match="killed"):
            writer.flush()
    loaded = load(path)
    assert loaded.last_step == 900
    growing.check(loaded)
    growing.check(growing.go_on(loaded, 3000))  # and it is thinned as it goes on
    assert len(loaded.histogram_steps) <= 210
    assert len(loaded.scalar_track("loss").steps) <= 300


# -- what it costs --------------------------------------------------------------------------------


def test_the_file_stops_growing_where_the_recording_does(path, growing, little_room):
    recording = growing.go_on(growing.new_recording(), 0)
    writer = RecordingWriter(path, recording)
    sizes = []
    for last in range(30, 6000, 30):
        growing.go_on(recording, last)
        writer.flush()
        sizes.append(sum(p.stat().st_size for p in path.parent.iterdir()))
    journal = journals(path)[0].stat().st_size
    assert journal <= 1.5 * writing.JOURNAL_BYTES
    assert max(sizes[100:]) <= 1.3 * max(sizes[:100])
    writer.close()
    save(recording, path.with_name("b.initviz"))
    assert path.stat().st_size < 2 * path.with_name("b.initviz").stat().st_size


def transactions(path, growing, moments):
    """The times, of these at which there is a step, at which something is written."""
    now, found = Time(), []
    recording = growing.go_on(growing.new_recording(), 0)
    writer = RecordingWriter(path, recording, now)
    for moment in moments:
        now.seconds = moment
        before = load(path).last_step
        growing.go_on(recording, recording.last_step + 1)
        writer.update(recording)
        if load(path).last_step != before:
            found.append(moment)
    writer.close()
    return found


def test_it_is_written_about_twice_a_second_and_never_a_second_late(path, growing):
    found = transactions(path, growing, np.arange(0.01, 3.0, 0.01))
    assert 4 <= len(found) <= 7
    assert max(np.diff(found)) < 2 * PERIOD


def test_a_slow_run_is_written_at_every_step(path, growing):
    """Waiting for the step after would be too late."""
    moments = [0.4, 0.8, 1.2, 60.0, 60.4]
    assert transactions(path, growing, moments) == moments


def test_large_checkpoints_wait_until_the_disk_had_time(path, growing, monkeypatch):
    size = growing.snapshot(0).checkpoint.bytes
    monkeypatch.setattr(following, "BURST", 2 * size)
    monkeypatch.setattr(following, "RATE", size)
    now = Time()
    recording = growing.go_on(growing.new_recording(), 0)
    follower = Follower(recording, now)
    growing.go_on(recording, 100)  # steps 0, 20, …, 100

    def taken(**options):
        return [checkpoint.step for checkpoint in follower.take(**options).checkpoints]

    assert taken() == [100, 80]  # the newest first
    assert taken() == []
    now.seconds = 1.5
    assert taken() == [60, 40]
    assert taken() == []
    assert taken(everything=True) == [20, 0]


def test_what_a_look_takes_is_its_own(growing):
    """The recording may go on, and be thinned, while another thread writes."""
    recording = growing.go_on(growing.new_recording(), 10)
    changes = Follower(recording).take()
    rows = {key: rows["values"].copy() for key, rows in changes.rows.items()}
    for track in (recording.scalar_track("loss"), recording.track("weight_norm")):
        track.values[:] = -1.0
    for key, values in rows.items():
        np.testing.assert_array_equal(changes.rows[key]["values"], values)


# -- a file that stands alone ---------------------------------------------------------------------


def test_a_closed_file_stands_alone_and_may_be_mailed(path, growing, tmp_path, assert_same):
    recording = growing.go_on(growing.new_recording(), 3)
    writer = RecordingWriter(path, recording)
    growing.go_on(recording, 50)
    writer.flush()
    assert journals(path)[0].exists()
    writer.close()
    writer.close()  # harmless
    assert [p.name for p in tmp_path.iterdir()] == ["a.initviz"]
    (tmp_path / "b.initviz").write_bytes(path.read_bytes())
    assert_same(load(tmp_path / "b.initviz"), recording, findings=False)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_link_stays_a_link(path, growing, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "target.initviz"
    path.symlink_to(target)
    recording = growing.go_on(growing.new_recording(), 0)
    writer = RecordingWriter(path, recording)
    growing.go_on(recording, 9)
    writer.flush()
    assert load(path).last_step == load(target).last_step == 9
    writer.close()
    assert path.is_symlink()
    assert load(target).last_step == 9


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced there")
def test_a_file_that_is_there_is_replaced_with_what_lies_beside_it(path, growing, write, tmp_path):
    write(30)
    left = leave(path, tmp_path / "left")
    recording = growing.go_on(growing.new_recording(), 4)
    writer = RecordingWriter(left, recording)
    assert load(left).last_step == 4
    writer.close()
    left = leave(path, tmp_path / "left")
    save(recording, left)
    assert [p.name for p in left.parent.iterdir()] == ["a.initviz"]
    assert load(left).last_step == 4


# -- the journal of a writer that was killed ------------------------------------------------------


def test_what_a_killed_writer_left_is_read_and_left_as_it_is(path, write, tmp_path, assert_same):
    recording = write(80)
    left = leave(path, tmp_path / "left")
    before = {p.name: p.read_bytes() for p in left.parent.iterdir()}
    for place in (*left.parent.iterdir(), left.parent):
        place.chmod(0o555 if place.is_dir() else 0o444)
    try:
        assert_same(load(left), recording, findings=False)
    finally:
        left.parent.chmod(0o755)
    assert {p.name: p.read_bytes() for p in left.parent.iterdir()} == before
    assert load(path).last_step == 80  # and what is still being written too


def test_without_its_journal_it_opens_as_it_was_before(path, write, tmp_path):
    write(80, first=10)
    left = leave(path, tmp_path / "left")
    journals(left)[0].unlink()
    assert load(left).last_step == 10


@pytest.mark.parametrize("first", [10, 200])
def test_the_journal_of_another_file_does_no_harm(first, path, write, growing, tmp_path):
    """Another file took the place of one whose writer was killed: same experiment, same sizes."""
    write(first)
    other = tmp_path / "other.initviz"
    write(150, place=other)
    left = leave(path, tmp_path / "left")
    shutil.copyfile(journals(other)[0], journals(left)[0])
    assert load(left).last_step in (0, first)  # as it is without a journal
    save(growing.go_on(growing.new_recording(), 7), tmp_path / "whole.initviz")
    shutil.copyfile(tmp_path / "whole.initviz", left)
    assert load(left).last_step == 7


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 5000, b"\x37\x7f\x06\x82" + b"\xff" * 9000, os.urandom(20_000)]
)
def test_what_is_no_journal_does_no_harm(content, path, write, tmp_path):
    write(80, first=10)
    left = leave(path, tmp_path / "left")
    journals(left)[0].write_bytes(content)
    assert load(left).last_step == 10


def test_of_a_journal_that_was_cut_everything_before_is_read(path, growing, tmp_path):
    recording = growing.go_on(growing.new_recording(), 0)
    writer = RecordingWriter(path, recording)
    for last in range(10, 100, 10):
        growing.go_on(recording, last)
        writer.flush()
    left = leave(path, tmp_path / "left")
    writer.close()
    journal = journals(left)[0]
    content = journal.read_bytes()
    found = set()
    for size in range(0, len(content), len(content) // 40):
        journal.write_bytes(content[:size])
        found.add(load(left).last_step)
    assert found == set(range(0, 90, 10))


def test_a_file_that_cannot_be_copied_is_named(path, write, monkeypatch):
    write(80)

    def full(source, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match=r"a\.initviz: it cannot be recovered: No space left"):
        load(path)


# -- a disk that fails ----------------------------------------------------------------------------


@pytest.fixture
def full_disk():
    """From when it is called, no file may grow beyond so many bytes."""
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_is_told_once_and_costs_nothing_written(path, growing, full_disk):
    recording = growing.go_on(growing.new_recording(), 10)
    writer = RecordingWriter(path, recording)
    full_disk(path.stat().st_size + 50_000)
    written = []

    def fill():
        for last in range(20, 3000, 10):
            written.append(load(path).last_step)
            growing.go_on(recording, last)
            writer.flush()

    with pytest.raises(OSError, match=r"a\.initviz: "):
        fill()
    growing.go_on(recording, 3100)
    writer.update(recording)
    writer.flush()
    writer.close()
    assert load(path).last_step == written[-1] >= 10


def test_a_file_that_cannot_be_begun_leaves_the_old_one(path, growing, full_disk):
    path.write_bytes(b"old")
    full_disk(5000)
    with pytest.raises(OSError, match=r"a\.initviz: "):
        RecordingWriter(path, growing.go_on(growing.new_recording(), 10))
    assert [p.name for p in path.parent.iterdir()] == ["a.initviz"]
    assert path.read_bytes() == b"old"


def test_a_blob_is_never_larger_than_sqlite_holds(path, growing, monkeypatch, assert_same):
    monkeypatch.setattr(writing, "CHUNK", 64)
    recording = growing.go_on(growing.new_recording(), 60)
    RecordingWriter(path, recording).close()
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT max(length(data)), count(*) FROM arrays WHERE kind = 'checkpoint'"
        largest, count = database.execute(query).fetchone()
    assert largest == 64
    assert count > 100
    assert_same(load(path), recording, findings=False)
