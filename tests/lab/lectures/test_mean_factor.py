"""The selector that says what each layer passes back, on geometric average."""

import math

import numpy as np
import pytest

from initviz.lab.lectures.subjects import select


@pytest.fixture
def mean_factor():
    return select("layers", "mean_factor")


def test_it_is_what_each_hidden_layer_passes_to_the_one_before_it(mean_factor):
    passed_back = 0.5 ** np.arange(9.0, -1.0, -1.0)
    output = 1e9
    assert mean_factor(np.append(passed_back, output)) == pytest.approx(0.5)


def test_it_averages_factors_not_differences(mean_factor):
    assert mean_factor(np.array([8.0, 4.0, 0.5, 1.0])) == pytest.approx(4.0)


@pytest.mark.parametrize(
    "row",
    [[3.0, 1.0], [-1.0, 2.0, 1.0], [0.0, 0.0, 1.0], [math.nan, 1.0, 1.0]],
    ids=["one hidden layer", "another sign", "nothing at all", "not measured"],
)
def test_where_there_is_no_such_factor_it_is_not_a_number(mean_factor, row):
    assert math.isnan(mean_factor(np.array(row)))


def test_over_an_exact_zero_it_is_infinite(mean_factor):
    assert mean_factor(np.array([2.0, 1.0, 0.0, 1.0])) == math.inf
