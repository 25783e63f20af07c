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
            Training(optimiser="adam", learning_rate=0.01),
            lambda p: torch.optim.Adam(p, lr=0.01, fused=True),
        ),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ten_steps_are_those_of_pytorchs_class_bit_for_bit(settings, build, dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(5, 3, generator=generator, dtype=dtype), torch.randn(4, dtype=dtype)]
    ours = [p.clone().requires_grad_() for p in start]
    theirs = [p.clone().requires_grad_() for p in start]
    optimiser = OPTIMISERS[settings.optimiser].build(ours, settings)
    reference = build(theirs)
    for _ in range(10):
        for p, q in zip(ours, theirs, strict=True):
            p.grad = torch.randn(p.shape, generator=generator, dtype=dtype)
            q.grad = p.grad.clone()
        optimiser.step()
        reference.step()
    assert all(torch.equal(p, q) for p, q in zip(ours, theirs, strict=True))


def test_training_does_not_import_pytorchs_compiler() -> None:
    code = (
        "import sys; from initviz import Experiment, run\n"
        "for name in ('sgd', 'adam'):\n"
        "    run(Experiment().with_value('training.optimiser', name), 2)\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
