"""Numbers and layers in words."""

import math

import pytest

from initviz.lab.wording import apart, exact, exact_share, layer, number, numbers, share


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.23e-9, "1.2 × 10⁻⁹"),
        (1e-3, "10⁻³"),
        (1.04e-3, "1.0 × 10⁻³"),
        (9.96e-4, "1.0 × 10⁻³"),
        (0.0102, "0.010"),
        (0.384, "0.38"),
        (0.0999, "0.10"),
        (1.0, "1.0"),
        (10.0, "10"),
        (30.4, "30"),
        (1234.5, "1234"),
        (1e4, "10⁴"),
        (12_345, "1.2 × 10⁴"),
        (1e30, "10³⁰"),
        (-2e-5, "−2.0 × 10⁻⁵"),
        (0.0, "0"),
        (math.inf, "infinite"),
        (-math.inf, "−infinite"),
        (math.nan, "NaN"),
        (5e-324, "4.9 × 10⁻³²⁴"),
    ],
)
def test_a_number_has_two_digits_and_a_power_of_ten(value, text):
    assert number(value) == text


def test_digits_can_be_asked_for():
    assert [number(0.12345, d) for d in (1, 2, 4)] == ["0.1", "0.12", "0.1235"]
    assert number(1000, 4) == "1000"


def test_a_share_is_per_cent():
    assert share(0.473) == "47 %"
    assert share(0.473, 1) == "47.3 %"


@pytest.mark.parametrize(
    ("value", "limit", "shown", "digits", "text"),
    [
        (0.4, 0.2, share, 0, "40 %"),
        (0.2003, 0.2, share, 0, "20.03 %"),
        (9.97e-4, 1e-3, number, 2, "9.97 × 10⁻⁴"),
        (1e-9, 1e-3, number, 2, "10⁻⁹"),
        (0.2, 0.2, share, 0, "20 %"),
    ],
)
def test_a_value_near_its_limit_reads_differently(value, limit, shown, digits, text):
    assert apart(value, limit, shown, digits) == text


def test_a_layer_within_a_sentence():
    assert layer("hidden 12") == "layer 12"
    assert layer("output") == "the output layer"


@pytest.mark.parametrize(
    ("indices", "text"),
    [([1], "1"), ([1, 2, 3], "1–3"), ([1, 2, 3, 6], "1–3 and 6"), ([1, 3, 5, 6], "1, 3 and 5–6")],
)
def test_numbers_are_listed_as_runs(indices, text):
    assert numbers(indices) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-3, "10⁻³"), (10.0, "10"), (1000.0, "1000"), (0.025, "0.025"), (1.234e-5, "1.234 × 10⁻⁵")],
)
def test_a_limit_that_was_chosen_keeps_its_digits(value, text):
    assert exact(value) == text


def test_a_share_that_was_chosen_keeps_its_digits():
    assert exact_share(0.2) == "20 %"
    assert exact_share(0.125) == "12.5 %"
    assert exact_share(0.07) == "7 %"
