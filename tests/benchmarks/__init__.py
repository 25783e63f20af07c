"""Benchmarks that print ratios, measured side by side in one process.

Run one with `python -m tests.benchmarks.measuring` from the repository root.
"""
