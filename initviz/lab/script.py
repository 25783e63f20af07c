"""A run as a short PyTorch script that stands alone and repeats the run's losses.

The script needs PyTorch and NumPy, not initviz. What is generated is generated anew from the same
seed, the digits are packed into its last line, and data of one's own lie in a file beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

import initviz
from initviz.lab import datasets
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES, Scheme
from initviz.lab.network_settings import ARCHITECTURES
from initviz.lab.places import places, sequence_shape
from initviz.lab.recording import Environment
from initviz.lab.script_data import data_lines, needs_file, packed_digits, samples, source_of
from initviz.lab.script_weights import WIDTH, initialisation

Lines = list[str]
Modules = tuple[str, ...]

#: Updates of a script whose experiment has no length of its own.
STEPS = 100


def script(
    experiment: Experiment, environment: Environment | None = None, data_file: str = "data.npz"
) -> str:
    """The text of a script that repeats a run of this experiment.

    `environment` is where the run was computed, by default where it would be computed now. Only
    where `needs_file` says so does the script read `data_file`, which lies beside it.

    Raises:
        ValueError: one sentence on what is wrong with files of data that are not ours.
    """
    if environment is None:
        from initviz.lab.training import environment as environment_of

        environment = environment_of(experiment)
    return _Script(experiment, environment, data_file).text()


def write_script(
    experiment: Experiment, path: Path, environment: Environment | None = None
) -> tuple[Path, ...]:
    """Write the script, and beside it the data that it cannot make by itself; what was written.

    Raises:
        ValueError: one sentence on what is wrong with files of data that are not ours.
        OSError: if a file cannot be written.
    """
    beside = path.with_name(f"{path.stem}-data.npz")
    text = script(experiment, environment, beside.name)
    written = [path]
    if needs_file(experiment):
        inputs, labels = samples(experiment)
        with beside.open("wb") as file:
            np.savez_compressed(file, inputs=inputs, labels=labels)
        written.append(beside)
    path.write_text(text, encoding="utf-8")
    return tuple(written)


# -- text ---------------------------------------------------------------------------------------


def _wrapped(head: str, items: Sequence[str], tail: str) -> Lines:
    """`head`, items and `tail` on one line, or an item on each where that is too long."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(head) - len(head.lstrip()) + 4)
    lines = [head]
    for item in items:
        name, bracket, arguments = item.partition("(")
        is_long = len(indent) + len(item) >= WIDTH
        parts = _arguments(arguments.removesuffix(")")) if bracket and is_long else ()
        lines += _wrapped(f"{indent}{name}(", parts, "),") if parts else [f"{indent}{item},"]
    return [*lines, indent[4:] + tail]


def _arguments(text: str) -> list[str]:
    """The arguments of a call, without what their own arguments are divided by."""
    found, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [argument.strip() for argument in found]


def _in_words(text: str) -> str:
    """A text of a person's on one line that ends no string: it may come from anywhere."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.replace("\\", "/").replace('"', "'").split())


# -- the parts of a network ---------------------------------------------------------------------

_WITH_ARGUMENTS: Mapping[str, str] = {
    "leaky_relu": "nn.LeakyReLU({slope!r})",
    "prelu": "nn.PReLU(init={slope!r})",
    "softplus": "nn.Softplus(threshold=40.0)",
    "sine": "Sine()",
}
_NORMALISATIONS: Mapping[tuple[str, str], str] = {
    ("mlp", "batch"): "nn.BatchNorm1d({width}, track_running_stats=False)",
    ("cnn", "batch"): "nn.BatchNorm2d({width}, track_running_stats=False)",
    ("mlp", "layer"): "nn.LayerNorm({width})",
    ("cnn", "layer"): "nn.GroupNorm(1, {width})",
}

_SINE = """
class Sine(nn.Module):
    def forward(self, z):
        return torch.sin(z)
"""
_DROPOUT = '''
class Dropout(nn.Module):
    """nn.Dropout with a generator of its own."""

    def __init__(self, probability, generator):
        super().__init__()
        self.keep, self.generator = 1.0 - probability, generator

    def forward(self, x):
        if not self.training:
            return x
        return x * torch.empty_like(x).bernoulli_(self.keep, generator=self.generator) / self.keep
'''
_RESIDUAL = '''
class Residual(nn.Module):
    """Adds to what it is given."""

    def __init__(self, *branch):
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, z):
        return z + {scale}self.branch(z)
'''
_CELL = '''
class {name}(nn.Module):
    """What nn.{name} computes over sequences (time, batch, features); the weight is [W_x W_h]."""

    def __init__(self, fan_in, width, activation):
        super().__init__()
        self.sizes = fan_in, width
        self.weight = nn.Parameter(torch.empty({gates}width, fan_in + width))
        self.bias = nn.Parameter(torch.empty({gates}width))
        self.back_bias = nn.Parameter(torch.empty({gates}width))
        self.activation = activation

    def feed(self, x):
        return F.linear(x, self.weight[:, : self.sizes[0]], self.bias)

    def forward(self, x):
        back = self.weight[:, self.sizes[0] :]
        {start} = x.new_zeros(x.shape[1], self.sizes[1])
        states = []
        for u in self.feed(x):
            v = F.linear(h, back, self.back_bias)
            {step}
            states.append(h)
        return torch.stack(states)
'''
_CELLS: Mapping[str, Mapping[str, str]] = {
    "rnn": {"gates": "", "start": "h", "step": "h = self.activation(u + v)"},
    "lstm": {
        "gates": "4 * ",
        "start": "h = c",
        "step": "\n            ".join(
            (
                "i, f, z, o = (u + v).chunk(4, 1)",
                "c = f.sigmoid() * c + i.sigmoid() * self.activation(z)",
                "h = o.sigmoid() * self.activation(c)",
            )
        ),
    },
    "gru": {
        "gates": "3 * ",
        "start": "h",
        "step": "\n            ".join(
            (
                "(r, k, z), (r_back, k_back, z_back) = u.chunk(3, 1), v.chunk(3, 1)",
                "z = z + (r + r_back).sigmoid() * z_back",
                "kept = (k + k_back).sigmoid()",
                "h = (1.0 - kept) * self.activation(z) + kept * h",
            )
        ),
    },
}

# -- training -----------------------------------------------------------------------------------

_LOSSES: Mapping[str, tuple[str, ...]] = {
    "cross_entropy": ("loss = F.cross_entropy(network(inputs[batch]), labels[batch])",),
    "mse": (
        "targets = F.one_hot(labels[batch], {classes}).to(inputs.dtype)",
        "loss = F.mse_loss(network(inputs[batch]), targets)",
    ),
}
#: PyTorch's class, the settings that it has, and the kernels that the run uses.
_OPTIMISERS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "sgd": ("SGD", ("momentum", "nesterov", "weight_decay"), "fused"),
    "adam": ("Adam", ("weight_decay",), "fused"),
    "adamw": ("AdamW", ("weight_decay",), "fused"),
    "rmsprop": ("RMSprop", ("momentum", "weight_decay"), "foreach"),
}

_IMPORTS: Mapping[str, str] = {
    "base64": "import base64",
    "math": "import math",
    "zlib": "import zlib",
    "Path": "from pathlib import Path",
}


class _Script:
    """The parts of one script."""

    def __init__(self, experiment: Experiment, environment: Environment, data_file: str) -> None:
        self.experiment = experiment
        self.network, self.training = experiment.network, experiment.training
        self.environment = environment
        self.data_file = data_file
        self.description = datasets.describe(self.training)
        self.places = places(experiment, self.description)
        state = np.random.SeedSequence(experiment.run.seed).generate_state(4, np.uint64)
        data, *others = (int(number) for number in state)
        names = ("DATA", "WEIGHTS", "ORDER", "DROPOUT")
        self.seeds = dict(zip(names, (data, *(number >> 1 for number in others)), strict=True))

    @property
    def device(self) -> str:
        label = self.environment.device
        return {"CPU": "cpu", "MPS": "mps"}.get(label, "cuda")

    def text(self) -> str:
        blocks = [
            *self._classes(),
            data_lines(self.experiment, self.data_file, self.device),
            *([] if self.network.is_recurrent else [self._build_network()]),
            initialisation(self.experiment),
            self._batches(),
            self._main(),
        ]
        body = "\n\n\n".join("\n".join(block) for block in blocks)
        tail = ['if __name__ == "__main__":', "    main()"]
        return "\n".join([*self._head(body), "", "", body, *self._packed(), "", "", *tail, ""])

    # -- above -----------------------------------------------------------------------------------

    def _head(self, body: str) -> Lines:
        imports = [line for name, line in _IMPORTS.items() if re.search(rf"\b{name}\b", body)]
        seeds = [name for name in self.seeds if re.search(rf"\b{name}\b", body)]
        dtype, seed = self.experiment.run.precision, self.experiment.run.seed
        threads = f"torch.set_num_threads({self.environment.threads})"
        return [
            *self._docstring(),
            "",
            *imports,
            *([""] if imports else []),
            "import numpy as np",
            "import torch",
            "from torch import nn",
            "from torch.nn import functional as F",
            *(["from torch.optim.lr_scheduler import LambdaLR"] if "LambdaLR(" in body else []),
            "",
            f"# Of np.random.SeedSequence({seed}): one number for each purpose.",
            *(f"{name} = {self.seeds[name]}" for name in seeds),
            "",
            f"{threads}  # another number would add up in another order",
            *([f"torch.set_default_dtype(torch.{dtype})"] if dtype != "float32" else []),
        ]

    def _docstring(self) -> Lines:
        network, training = self.network, self.training
        title = _in_words(self.experiment.title) or "A run of initviz"
        version = self.environment.versions.get("torch", "")
        data = datasets.DATASETS[training.data].label
        scheme = SCHEMES[self.experiment.initialiser.name].label
        layers = f"{ARCHITECTURES[network.architecture]}, {network.hidden_layers} hidden layers"
        phi = ACTIVATIONS[network.activation].label
        place = {"cpu": "the CPU"}.get(self.device, _in_words(self.environment.device))
        return [
            f'"""{title}',
            "",
            f"{layers} of {network.width}, {phi}, {scheme}. {data}.",
            f"Written by initviz {initviz.__version__}; it needs PyTorch and NumPy, not initviz.",
            f"On {place} with PyTorch {version} its losses are those of the run.",
            *self._about_data(),
            '"""',
        ]

    def _about_data(self) -> Lines:
        said = []
        if needs_file(self.experiment):
            said.append(f"The data are in {_in_words(self.data_file)}, beside this file.")
        elif not source_of(self.experiment).is_generated:
            said.append("The data are packed into DIGITS, at the end.")
        if self.training.early_stopping:
            said.append("The run was watched, to be stopped early; this script trains on.")
        return said

    def _packed(self) -> Lines:
        if self.training.data not in ("digits", "digit_rows"):
            return []
        return [
            "",
            "",
            "# Alpaydin & Kaynak 1998: 1 797 scans of 8 × 8 pixels from 0 to 16, and their labels.",
            f'DIGITS = "{packed_digits()}"',
        ]

    # -- the network -----------------------------------------------------------------------------

    def _classes(self) -> list[Lines]:
        network = self.network
        names = {plan.activation for plan in self.experiment.hidden}
        scale = "" if network.branch_scale == 1 else f"{network.branch_scale!r} * "
        used = {
            _SINE: "sine" in names,
            _DROPOUT: network.dropout > 0,
            _RESIDUAL.replace("{scale}", scale): network.has_branches,
        }
        found = [text for text, is_used in used.items() if is_used]
        if network.is_recurrent:
            cell = _CELLS[network.architecture]
            found.append(_CELL.format(name=network.architecture.upper(), **cell))
            found.append(self._recurrent())
        return [text.strip().splitlines() for text in found]

    def _recurrent(self) -> str:
        steps, features = sequence_shape(self.description.shape)
        name, network = self.network.architecture.upper(), self.network
        cells, fan_in = [], features
        for plan in self.experiment.hidden:
            phi = self._activation(plan.activation)
            cells.append(f"{name}({fan_in}, {plan.width}, {phi})")
            fan_in = plan.width
        output = f"nn.Linear({fan_in}, {self.description.classes})"
        has_dropout = network.dropout > 0
        between = "self.dropout(cell(x))" if has_dropout else "cell(x)"
        lines = [
            "class Network(nn.Module):",
            f"    def __init__(self{', generator' if has_dropout else ''}):",
            "        super().__init__()",
            "        self.cells = nn.ModuleList()",
            *(f"        {line}" for line in _repeated(cells, "self.cells.append({})")),
            f"        self.output = {output}",
        ]
        if has_dropout:
            lines.append(f"        self.dropout = Dropout({network.dropout!r}, generator)")
        lines += [
            "",
            "    def forward(self, x):",
            f"        x = x.unflatten(1, ({steps}, {features})).transpose(0, 1).contiguous()",
        ]
        if has_dropout:
            lines += [
                "        for cell in self.cells[:-1]:",
                f"            x = {between}",
                "        last = self.cells[-1](x)[-1]",
                "        return self.output(self.dropout(last))",
            ]
        else:
            lines += [
                "        for cell in self.cells:",
                f"            x = {between}",
                "        return self.output(x[-1])",
            ]
        return "\n".join(lines)

    def _activation(self, name: str) -> str:
        if name in _WITH_ARGUMENTS:
            return _WITH_ARGUMENTS[name].format(slope=self.network.slope)
        return f"nn.{type(ACTIVATIONS[name].module(self.network.slope)).__name__}()"

    def _build_network(self) -> Lines:
        head = f"def build_network({'generator' if self.network.dropout else ''}):"
        before: Modules = ()
        if self.network.architecture == "cnn":
            before = (f"nn.Unflatten(1, {self.description.shape})",)
        arranged = self._residual if self.network.has_branches else self._plain
        hidden, after = arranged(before)
        output = f"nn.Linear({self.places[-1].shape[1]}, {self.description.classes})"
        pooled = ("nn.AdaptiveAvgPool2d(1)", "nn.Flatten()") if before else ()
        built = _repeated(hidden, "layers += [{}]")
        if not built[0].startswith("for"):
            built[0] = built[0].replace("+=", "=", 1)
        else:
            built.insert(0, "layers = []")
        return [
            head,
            *(f"    {line}" for line in built),
            *_wrapped("    return nn.Sequential(", ["*layers", *after, *pooled, output], ")"),
        ]

    def _plain(self, before: Modules) -> tuple[list[Modules], Modules]:
        """Each layer's modules, and what comes after the last: nothing."""
        found: list[Modules] = []
        for plan, place in zip(self.experiment.hidden, self.places[:-1], strict=True):
            after = self._after(plan.activation, plan.width)
            found.append((*before, self._linear(place.shape), *after))
            before = ()
        return found, ()

    def _residual(self, before: Modules) -> tuple[list[Modules], Modules]:
        """Each linear map with what leads to it, as a branch where its width allows it."""
        found: list[Modules] = []
        width = 0
        for plan, place in zip(self.experiment.hidden, self.places[:-1], strict=True):
            modules = (*before, self._linear(place.shape))
            is_branch = plan.width == width
            found.append((f"Residual({', '.join(modules)})",) if is_branch else modules)
            before, width = self._after(plan.activation, plan.width), plan.width
        return found, before

    def _linear(self, shape: tuple[int, ...]) -> str:
        fan_out, fan_in, *field = shape
        if not field:
            return f"nn.Linear({fan_in}, {fan_out})"
        size = field[0]
        padding = f", padding={size // 2}" if size > 1 else ""
        mode = ', padding_mode="circular"' if self.network.padding == "circular" and padding else ""
        return f"nn.Conv2d({fan_in}, {fan_out}, {size}{padding}{mode})"

    def _after(self, activation: str, width: int) -> tuple[str, ...]:
        """What follows the linear map of a layer."""
        network = self.network
        norm = _NORMALISATIONS.get((network.architecture, network.normalisation), "")
        is_before = network.normalisation_place == "before"
        phi = self._activation(activation) if activation != "identity" else ""
        norm = norm.format(width=width)
        parts = (norm, phi) if is_before else (phi, norm)
        dropout = f"Dropout({network.dropout!r}, generator)" if network.dropout else ""
        return tuple(part for part in (*parts, dropout) if part)

    # -- training --------------------------------------------------------------------------------

    @property
    def _batch_size(self) -> int:
        return min(self.training.batch_size, self._train_samples)

    @property
    def _train_samples(self) -> int:
        return int(datasets.TRAIN_SHARE * len(samples(self.experiment)[0]))

    def _batches(self) -> Lines:
        size = self._batch_size
        return [
            "def draw_batches(samples, generator):",
            '    """Batches of indices; each epoch has a new order, and no incomplete batch."""',
            "    while True:",
            "        order = torch.randperm(samples, generator=generator)",
            f"        yield from order[: samples // {size} * {size}].split({size})",
        ]

    def _steps(self) -> int:
        length = self.training.length
        if self.training.unit == "epochs":
            length *= self._train_samples // self._batch_size
        return length or STEPS

    def _main(self) -> Lines:
        training = self.training
        loss = [line.format(classes=self.description.classes) for line in _LOSSES[training.loss]]
        clip = f"nn.utils.clip_grad_norm_(network.parameters(), {training.clip_norm!r})"
        warm_up = f"lambda step: min(1.0, (step + 1) / {training.warmup_steps})"
        return [
            f"def main(steps={self._steps()}):",
            '    """Train; returns the loss before each update."""',
            "    inputs, labels, test_inputs, test_labels = load_data()",
            *(f"    {line}" for line in self._made()),
            *self._optimiser(),
            *(
                _wrapped("    warm_up = LambdaLR(", ["optimiser", warm_up], ")")
                if training.warmup_steps
                else []
            ),
            "    batches = draw_batches(len(inputs), torch.Generator().manual_seed(ORDER))",
            "    losses = []",
            "    for step, batch in zip(range(steps), batches):",
            *(f"        {line}" for line in loss),
            "        losses.append(loss.item())",
            '        print(f"step {step}: loss {losses[-1]:.9g}")',
            "        optimiser.zero_grad()",
            "        loss.backward()",
            *([f"        {clip}"] if training.clip_norm else []),
            "        optimiser.step()",
            *(["        warm_up.step()"] if training.warmup_steps else []),
            "    network.eval()",
            "    with torch.no_grad():",
            "        right = network(test_inputs).argmax(1) == test_labels",
            '    print(f"test accuracy {right.double().mean().item():.1%}")',
            "    return losses",
        ]

    def _made(self) -> Lines:
        """The network, initialised on the CPU and moved to where it is trained."""
        device = self.device
        lines, dropout = [], ""
        if self.network.dropout:
            where = "" if device == "cpu" else f'"{device}"'
            dropout = f"torch.Generator({where}).manual_seed(DROPOUT)"
        maker = "Network" if self.network.is_recurrent else "build_network"
        lines.append(f"network = {maker}({dropout})")
        shown = ""
        if any(site.is_data_dependent for site in self._schemes()):
            lines.append(
                "first = next(draw_batches(len(inputs), torch.Generator().manual_seed(ORDER)))"
            )
            shown = f"inputs[first]{'' if device == 'cpu' else '.cpu()'}, "
        lines.append(f"initialise(network, {shown}torch.Generator().manual_seed(WEIGHTS))")
        return lines if device == "cpu" else [*lines, f'network.to("{device}")']

    def _schemes(self) -> list[type[Scheme]]:
        schemes = (*(plan.scheme for plan in self.experiment.hidden), self.experiment.output_scheme)
        return [type(scheme) for scheme in schemes]

    def _optimiser(self) -> Lines:
        training = self.training
        name, settings, kernels = _OPTIMISERS[training.optimiser]
        given = {setting: getattr(training, setting) for setting in settings}
        if not given.get("momentum"):
            given.pop("nesterov", None)
        # AdamW has a weight decay of its own unless it is told.
        keeps = {"weight_decay"} if training.optimiser == "adamw" else set()
        values = [f"lr={training.learning_rate!r}"]
        values += [f"{key}={value!r}" for key, value in given.items() if value or key in keeps]
        if self.device != "mps":
            values.append(f"{kernels}=True")
        head = f"    optimiser = torch.optim.{name}("
        return _wrapped(head, ["network.parameters()", *values], ")")


def _repeated(elements: Sequence[tuple[str, ...] | str], each: str) -> Lines:
    """A line for each element; one loop for equal neighbours."""
    lines: Lines = []
    head, _, tail = each.partition("{}")
    for element, group in groupby(elements):
        count = len(list(group))
        items = [element] if isinstance(element, str) else list(element)
        if count > 1:
            lines.append(f"for _ in range({count}):")
        indent = "    " if count > 1 else ""
        lines += _wrapped(indent + head, items, tail)
    return lines
