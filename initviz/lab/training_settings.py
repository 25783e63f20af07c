"""The settings of training: data, loss, optimiser, and when it ends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field as Limits
from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from initviz.lab import datasets, optimisers
from initviz.lab.network_settings import labels_of
from initviz.lab.settings import Choice, Part, PathText, Setting


class Training(Part):
    """The data, the loss and the steps taken against it."""

    data: Annotated[
        str,
        Choice(labels_of(datasets.DATASETS), datasets.ALIASES),
        Setting("Data", help="What the network learns; 80 % to train on, 20 % to test."),
    ] = "digits"
    path: Annotated[
        str,
        Limits(max_length=4000),
        PathText(datasets.FILE_FILTERS),
        Setting(
            "File or folder",
            help="A .csv or .npz file of one's own, or the folder with the published files.",
            visible=lambda training, _: datasets.DATASETS[training.data].needs_path,
        ),
    ] = ""
    sequence_length: Annotated[
        int,
        Limits(ge=2, le=200),
        Setting(
            "Sequence length",
            symbol="T",
            help="Tokens in a sequence: the first one is to be recalled at the end.",
            usual=(10, 200),
            visible=lambda training, _: training.data == "recall",
        ),
    ] = 50
    scaling: Annotated[
        str,
        Choice(labels_of(datasets.SCALINGS), {"standardized": "standardised"}),
        Setting(
            "Scaling",
            help="How each input is scaled, with the training part's statistics.",
            advanced=True,
        ),
    ] = "standardised"
    loss: Annotated[
        str,
        Choice({"cross_entropy": "Cross-entropy", "mse": "Mean squared error"}, {}),
        Setting("Loss", symbol="L", help="The mean over the batch.", advanced=True),
    ] = "cross_entropy"
    optimiser: Annotated[
        str,
        Choice(labels_of(optimisers.OPTIMISERS), {}),
        Setting("Optimiser", help="How a step follows from the gradients."),
    ] = "sgd"
    learning_rate: Annotated[
        float,
        Limits(ge=0.0, le=1e30),
        Setting(
            "Learning rate",
            symbol="η",
            help="How far a step goes along the negative gradient.",
            usual=(1e-4, 1.0),
            logarithmic=True,
        ),
    ] = 0.05
    momentum: Annotated[
        float,
        Limits(ge=0.0, le=1.0),
        Setting(
            "Momentum",
            symbol="μ",
            help="How much of the step before is kept (Polyak 1964).",
            usual=(0.0, 0.99),
            advanced=True,
            visible=lambda training, _: training.optimiser in ("sgd", "rmsprop"),
        ),
    ] = 0.0
    nesterov: Annotated[
        bool,
        Setting(
            "Nesterov momentum",
            help="The gradient is taken as if the momentum had moved already (Nesterov 1983; "
            "Sutskever et al. 2013).",
            advanced=True,
            visible=lambda training, _: training.optimiser == "sgd" and training.momentum > 0,
        ),
    ] = False
    weight_decay: Annotated[
        float,
        Limits(ge=0.0, le=1e3),
        Setting(
            "Weight decay",
            symbol="λ",
            help="Pulls every weight towards 0: λW is added to the gradient; with AdamW, ηλW is "
            "taken off the weight itself (Loshchilov & Hutter 2019).",
            usual=(0.0, 0.1),
            advanced=True,
        ),
    ] = 0.0
    warmup_steps: Annotated[
        int,
        Limits(ge=0, le=1_000_000),
        Setting(
            "Warm-up",
            help="The learning rate grows in equal parts over so many steps (Goyal et al. 2017).",
            usual=(0, 1000),
            advanced=True,
        ),
    ] = 0
    clip_norm: Annotated[
        float,
        Limits(ge=0.0, le=1e30),
        Setting(
            "Clip gradients at",
            symbol="c",
            help="A gradient whose norm over all parameters is larger is shortened to this "
            "(Pascanu, Mikolov & Bengio 2013); 0: never.",
            usual=(0.0, 10.0),
            advanced=True,
        ),
    ] = 0.0
    batch_size: Annotated[
        int,
        Limits(ge=1, le=4096),
        Setting(
            "Batch size",
            symbol="B",
            help="Samples in a step; never more than there are to train on.",
            usual=(1, 512),
            advanced=True,
        ),
    ] = 64
    length: Annotated[
        int,
        Limits(ge=0, le=1_000_000_000),
        Setting(
            "Train for",
            help="Training ends after so many steps or epochs; 0: when it is paused.",
            advanced=True,
        ),
    ] = 0
    unit: Annotated[
        Literal["steps", "epochs"],
        Setting(
            "Counted in",
            help="A step is one batch; an epoch is one pass over the training part.",
            advanced=True,
        ),
    ] = "steps"
    early_stopping: Annotated[
        bool,
        Setting(
            "Early stopping",
            help="Training ends when the loss has not fallen for a while.",
            advanced=True,
        ),
    ] = False
    patience: Annotated[
        int,
        Limits(ge=10, le=1_000_000),
        Setting(
            "Patience",
            help="For so many steps the loss may stand still before training is stopped.",
            usual=(10, 1000),
            advanced=True,
            visible=lambda training, _: training.early_stopping,
        ),
    ] = 200

    @field_validator("path")
    @classmethod
    def _is_on_one_line(cls, path: str) -> str:
        if any(character < " " or character == "\x7f" for character in path):
            raise PydanticCustomError("choice", "a path on one line")
        return path

    @model_validator(mode="before")
    @classmethod
    def _path_as_data(cls, data: Any) -> Any:
        """`data = "my.csv"` is short for `data = "file"` with that path."""
        given = data.get("data") if isinstance(data, dict) else None
        if isinstance(given, str) and datasets.is_path(given):
            return {**data, "data": "file", "path": given}
        return data
