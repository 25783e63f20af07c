"""The data as lines of NumPy: generated anew, or packed into the script or a file beside it."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from initviz.lab import datasets
from initviz.lab.datasets import Inputs, Labels
from initviz.lab.experiment import Experiment

Lines = list[str]


@dataclass(frozen=True)
class Source:
    """Where a script has its inputs (N, D) and labels (N,) from.

    `lines` stand in `load_data`, where `rng` is the generator of the data; `is_ordered` says that
    they are drawn and shuffled already. A generated set has no feature that never changes.
    """

    lines: tuple[str, ...]
    is_generated: bool = False
    is_ordered: bool = False


_TWO_CLASSES = (
    "labels = np.repeat([0, 1], [len(first), len(second)])",
    "inputs = np.concatenate([first, second])",
)
_SOURCES: Mapping[str, Source] = {
    "digits": Source(
        (
            "packed = zlib.decompress(base64.b85decode(DIGITS))",
            "table = np.frombuffer(packed, np.uint8).reshape(-1, 65)",
            "inputs, labels = table[:, :64].astype(float), table[:, 64].astype(int)",
        )
    ),
    "recall": Source(
        (
            "# The first of {length} tokens is one of 4 letters, to be told at the end.",
            "labels = np.arange(2000) % 4",
            "others = 4 + rng.integers(0, 4, (2000, {length} - 1))",
            "inputs = np.eye(8)[np.column_stack([labels, others])].reshape(2000, -1)",
        ),
        is_generated=True,
    ),
    "moons": Source(
        (
            "angle = rng.uniform(0.0, np.pi, 1000)",
            "first = np.column_stack([np.cos(angle), np.sin(angle)])",
            "second = np.column_stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)])",
            *_TWO_CLASSES,
            "inputs = inputs + 0.1 * rng.standard_normal(inputs.shape)",
        ),
        is_generated=True,
    ),
    "circles": Source(
        (
            "angle = rng.uniform(0.0, 2.0 * np.pi, 1000)",
            "first = np.column_stack([np.cos(angle), np.sin(angle)])",
            "second = 0.5 * first",
            *_TWO_CLASSES,
            "inputs = inputs + 0.08 * rng.standard_normal(inputs.shape)",
        ),
        is_generated=True,
    ),
    "spirals": Source(
        (
            "radius = np.sqrt(rng.uniform(0.01, 1.0, 1000))",
            "angle = 3.0 * np.pi * radius",
            "first = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])",
            "second = -first",
            *_TWO_CLASSES,
            "inputs = inputs + 0.02 * rng.standard_normal(inputs.shape)",
        ),
        is_generated=True,
    ),
    "blobs": Source(
        (
            "angle = 2.0 * np.pi * np.arange(4) / 4.0",
            "labels = np.arange(2000) % 4",
            "centres = 2.0 * np.column_stack([np.cos(angle), np.sin(angle)])",
            "inputs = centres[labels] + 0.6 * rng.standard_normal((2000, 2))",
        ),
        is_generated=True,
    ),
}
_SOURCES = {**_SOURCES, "digit_rows": _SOURCES["digits"]}
_FROM_FILE = Source(
    (
        "# The samples in the order in which the seed drew them.",
        "with np.load(Path(__file__).with_name({file!r})) as data:",
        '    inputs, labels = data["inputs"].astype(float), data["labels"]',
    ),
    is_ordered=True,
)

_SCALINGS: Mapping[str, tuple[str, ...]] = {
    "standardised": (
        "# Every {column} with the training part's mean and standard deviation.",
        "shift, spread = train.mean(0), train.std(0)",
    ),
    "unit": (
        "# Every {column} from the training part's range to [0, 1].",
        "shift = train.min(0)",
        "spread = train.max(0) - shift",
    ),
    "raw": (),
}


def source_of(experiment: Experiment) -> Source:
    """Where the data of an experiment come from in a script."""
    return _SOURCES.get(experiment.training.data, _FROM_FILE)


def needs_file(experiment: Experiment) -> bool:
    """Whether the data must lie in a file beside the script."""
    return source_of(experiment) is _FROM_FILE


def samples(experiment: Experiment) -> tuple[Inputs, Labels]:
    """The unscaled inputs (N, D) and labels (N,) of a run, in its order.

    Raises:
        ValueError: one sentence on what is wrong with files that are not ours.
    """
    generator = datasets.generator(experiment.run.seed)
    entry = datasets.DATASETS[experiment.training.data]
    inputs, labels = entry.draw(experiment.training, generator)
    order = generator.permutation(len(inputs))[: datasets.MOST_USED]
    return inputs[order], labels[order]


def data_lines(experiment: Experiment, file: str, device: str) -> Lines:
    """The function `load_data` of a script: training inputs and labels, then those to test on."""
    source, training = source_of(experiment), experiment.training
    shape = datasets.describe(training).shape
    lines = [line.format(file=file, length=training.sequence_length) for line in source.lines]
    if not source.is_ordered:
        lines.append("order = rng.permutation(len(inputs))")
        lines.append("inputs, labels = inputs[order], labels[order]")
    where = "" if device == "cpu" else f', device="{device}"'
    uses_rng = any("rng." in line for line in lines)
    return [
        "def load_data():",
        '    """Inputs and labels to train on, and those to test on."""',
        *(["    rng = np.random.default_rng(DATA)"] if uses_rng else []),
        *(f"    {line}" for line in lines),
        "    cut = int(0.8 * len(inputs))",
        *(f"    {line}" for line in _scaling(training.scaling, shape, source)),
        f"    inputs = torch.tensor(inputs, dtype=torch.{experiment.run.precision}{where})",
        f"    labels = torch.tensor(labels, dtype=torch.int64{where})",
        "    return inputs[:cut], labels[:cut], inputs[cut:], labels[cut:]",
    ]


def _scaling(name: str, shape: datasets.Shape, source: Source) -> Lines:
    column = {1: "feature", 2: "feature (over all steps)", 3: "pixel"}[len(shape)]
    fit = [line.format(column=column) for line in _SCALINGS[name]]
    if not fit:
        return []
    if not source.is_generated:
        fit.append(
            "spread[train.min(0) == train.max(0)] = 1.0  # what never changes is only shifted"
        )
    if len(shape) != 2:
        return ["train = inputs[:cut]", *fit, "inputs = (inputs - shift) / spread"]
    rows = f".reshape(-1, {shape[1]})"
    scaled = f"inputs = ((inputs{rows} - shift) / spread).reshape(inputs.shape)"
    return [f"train = inputs[:cut]{rows}", *fit, scaled]


def packed_digits() -> str:
    """All scans and their labels as a text of one line."""
    experiment = Experiment()
    generator = datasets.generator(0)
    inputs, labels = datasets.DATASETS["digits"].draw(experiment.training, generator)
    table = np.column_stack([inputs, labels]).astype(np.uint8)
    return base64.b85encode(zlib.compress(table.tobytes(), 9)).decode()
