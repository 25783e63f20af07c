"""Experiments from and to TOML files.

A relative path of data starts from the folder that the experiment's own file is in, so that a
folder with both can be moved and shared. In memory it is absolute.
"""

from __future__ import annotations

from pathlib import Path

from initviz.lab.experiment import Experiment

#: An experiment is a page of text; a file beyond this size is something else.
MAX_BYTES = 1_000_000


def read_experiment(path: Path) -> Experiment:
    """The experiment in a file.

    Raises:
        ValueError: one line that names the file and says what is wrong.
    """
    try:
        # A device or a pipe has no end, or makes one wait for it.
        if not path.is_file() and not path.is_dir() and path.exists():
            raise ValueError("not a file")
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large to be an experiment file")
        experiment = Experiment.from_toml(path.read_text(encoding="utf-8-sig"))
        return _with_data_at(experiment, _from(path, experiment.training.path))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def write_experiment(experiment: Experiment, path: Path) -> None:
    """Write an experiment; an existing file is replaced when all is well.

    Raises:
        OSError: if the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.tmp")
    portable = _with_data_at(experiment, _relative_to(path, experiment.training.path))
    draft.write_text(portable.to_toml(), encoding="utf-8")
    draft.replace(path)


def _with_data_at(experiment: Experiment, data: str) -> Experiment:
    if data == experiment.training.path:
        return experiment
    return experiment.with_value("training.path", data)


def _from(path: Path, data: str) -> str:
    """The path of data as the experiment in the file `path` means it."""
    if not data or data.startswith("~"):
        return data
    return str(path.absolute().parent / data)


def _relative_to(path: Path, data: str) -> str:
    """The path of data as it is written into the file `path`: short if they are in its folder."""
    folder = path.absolute().parent
    if not data or not Path(data).is_relative_to(folder):
        return data
    return Path(data).relative_to(folder).as_posix()
