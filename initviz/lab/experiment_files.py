"""Experiments from and to TOML files."""

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
        return Experiment.from_toml(path.read_text(encoding="utf-8-sig"))
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
    draft.write_text(experiment.to_toml(), encoding="utf-8")
    draft.replace(path)
