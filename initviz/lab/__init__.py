"""The laboratory: experiments, networks, measuring and diagnosis. NumPy and PyTorch, no Qt.

Everything here can be used from a notebook::

    from initviz import Experiment, run
    recording = run(Experiment.from_toml("version = 1"), steps=50)
    recording.series("signal_gradient_norm")
"""
