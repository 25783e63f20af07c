"""Results of ten seeds, made up."""

import numpy as np

from initviz.session import seeds as session
from initviz.session.seeds import SeedRuns


def made_runs(experiment, steps=20, losses=None, gradients=None):
    """Runs that look like ten: the norms of layer l are 10^(l − 9 + spread)."""
    layers = experiment.network.hidden_layers
    spread = np.linspace(-1, 1, 10)[:, None]
    norms = 10.0 ** (np.arange(layers) - 9.0 + spread * np.linspace(1, 0, layers))
    fall = 2.3 / (1 + 0.05 * np.arange(steps + 1)) + 0.1 * spread
    return SeedRuns(
        experiment,
        tuple(range(10)),
        steps,
        fall if losses is None else losses,
        {
            (quantity, moment): norms if gradients is None else gradients
            for quantity in session.GRADIENTS
            for moment in session.MOMENTS
        },
    )
