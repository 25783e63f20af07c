"""The thresholds: what is allowed, and how a refusal reads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab.thresholds import DEFAULTS, Thresholds, unit_of


def test_a_threshold_is_changed_in_a_copy():
    changed = DEFAULTS.with_threshold("vanishing", 0.01)
    assert (changed.vanishing, DEFAULTS.vanishing) == (0.01, 1e-3)
    assert changed.different() == {"vanishing": 0.01}
    assert DEFAULTS.different() == {}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("dead", 1.5, "Dead units: 150 % is not allowed: a number from 0 to 100 %"),
        ("dead", -0.2, "Dead units: -20 % is not allowed: a number from 0 to 100 %"),
        ("exploding", 0.5, "Exploding signal: 0.5 is not allowed: a number from 1 to 1e+30"),
        ("starved", float("nan"), "Starved weights: nan is not allowed: a number from 0 to 1"),
        ("diverged", float("inf"), "Diverged: inf is not allowed: a number from 1 to 1e+30"),
    ],
)
def test_a_bad_number_is_refused_in_a_sentence_in_its_unit(name, value, sentence):
    with pytest.raises(ValueError, match="is not allowed") as caught:
        DEFAULTS.with_threshold(name, value)
    assert str(caught.value) == sentence


def test_there_is_no_other_threshold():
    with pytest.raises(KeyError):
        DEFAULTS.with_threshold("hobby", 1.0)
    with pytest.raises(KeyError):
        unit_of("hobby")


@settings(derandomize=True)
@given(st.sampled_from(sorted(Thresholds.model_fields)), st.floats())
def test_any_number_is_taken_as_it_is_or_refused(name, value):
    low, high = (0.0, 1.0)
    if name in ("diverged", "exploding", "exploding_through_time", "exploding_output"):
        low, high = (0.0 if name == "exploding_output" else 1.0), 1e30
    if low <= value <= high:
        changed = DEFAULTS.with_threshold(name, value)
        assert getattr(changed, name) == value
        assert Thresholds.model_validate(changed.model_dump()) == changed
    else:
        with pytest.raises(ValueError, match="is not allowed: a number from"):
            DEFAULTS.with_threshold(name, value)
