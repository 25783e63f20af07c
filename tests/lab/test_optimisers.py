"""Optimisers: the same arithmetic as PyTorch's classes, without their price."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from initviz.lab.experiment import Training
from initviz.lab.optimisers import OPTIMISERS


@pytest.mark.parametrize(
    ("settings", "build"),
    [
        (
            Training(optimiser="sgd", learning_rate=0.1),
            lambda p: torch.optim.SGD(p, lr=0.1, fused=True),
        ),
        (
            Training(optimiser="sgd", learning_rate=0.1, momentum=0.9),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, fused=True),
        ),
        (
            Training(optimiser="sgd", learning_rate=0.1, momentum=0.9, nesterov=True),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, fused=True),
        ),
        (
            Training(optimiser="sgd", learning_rate=0.1, nesterov=True),  # without effect
            lambda p: torch.optim.SGD(p, lr=0.1, fused=True),
        ),
        (
            Training(optimiser="sgd", learning_rate=0.1, momentum=0.5, weight_decay=0.01),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5, weight_decay=0.01, fused=True),
        ),
        (
            Training(optimiser="adam", learning_rate=0.01),
            lambda p: torch.optim.Adam(p, lr=0.01, fused=True),
        ),
        (
            Training(optimiser="adam", learning_rate=0.01, weight_decay=0.1),
            lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1, fused=True),
        ),
        (
            Training(optimiser="adamw", learning_rate=0.01, weight_decay=0.1),
            lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, fused=True),
        ),
        (
            Training(optimiser="rmsprop", learning_rate=0.01),
            lambda p: torch.optim.RMSprop(p, lr=0.01),
        ),
        (
            Training(optimiser="rmsprop", learning_rate=0.01, momentum=0.9, weight_decay=0.1),
            lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.9, weight_decay=0.1),
        ),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_twelve_steps_are_those_of_pytorchs_class_bit_for_bit(settings, build, dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(5, 3, generator=generator, dtype=dtype), torch.randn(4, dtype=dtype)]
    ours = [p.clone().requires_grad_() for p in start]
    theirs = [p.clone().requires_grad_() for p in start]
    optimiser = OPTIMISERS[settings.optimiser].build(ours, settings)
    reference = build(theirs)
    for step in range(12):
        for p, q in zip(ours, theirs, strict=True):
            p.grad = torch.randn(p.shape, generator=generator, dtype=dtype)
            q.grad = p.grad.clone()
        if step == 8:  # as in a warm-up
            optimiser.learning_rate = reference.param_groups[0]["lr"] = 0.3
        optimiser.step()
        reference.step()
        assert all(torch.equal(p, q) for p, q in zip(ours, theirs, strict=True)), step


def test_decoupled_weight_decay_is_not_that_of_adam() -> None:
    moved = []
    for name in ("adam", "adamw"):
        weight = torch.full((3,), 2.0, requires_grad=True)
        weight.grad = torch.ones(3)
        settings = Training(optimiser=name, learning_rate=0.1, weight_decay=0.5)
        OPTIMISERS[name].build([weight], settings).step()
        moved.append(2.0 - weight.detach())
    torch.testing.assert_close(moved[0], torch.full((3,), 0.1))  # Adam forgets the size of g
    torch.testing.assert_close(moved[1], torch.full((3,), 0.1 + 0.1 * 0.5 * 2.0))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 0.1),
        ({"nesterov": True}, 0.1),
        ({"momentum": 0.9}, None),
        ({"weight_decay": 1e-4}, None),
        *(({"optimiser": name}, None) for name in OPTIMISERS if name != "sgd"),
    ],
)
def test_the_step_size_is_known_only_where_the_update_is_nothing_but_the_gradient(
    settings, expected
) -> None:
    weight = torch.zeros(2, requires_grad=True)
    settings = Training(learning_rate=0.1, **settings)
    optimiser = OPTIMISERS[settings.optimiser].build([weight], settings)
    assert optimiser.step_size == expected
    optimiser.learning_rate = 0.025
    assert optimiser.step_size == (expected and 0.025)


@pytest.mark.slow
def test_training_does_not_import_pytorchs_compiler() -> None:
    code = (
        "import sys; from initviz import Experiment, run\n"
        "from initviz.lab.optimisers import OPTIMISERS\n"
        "for name in OPTIMISERS:\n"
        "    run(Experiment().with_values({'training.optimiser': name,\n"
        "        'training.momentum': 0.5, 'training.clip_norm': 1e-3}), 2)\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
