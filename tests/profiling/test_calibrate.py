"""Rates of a machine whose timed steps no rates explain."""
import pytest

from ssfer_mm.profiling.arithmetic import Work
from ssfer_mm.profiling.calibrate import fit_device


def test_where_the_best_fit_is_negative_the_others_are_fitted_alone():
    """Without a bound the products would have a negative price; then calls alone explain it best.

    The second step has ten times the products of the first and takes less.
    """
    steps = [(Work(1, 0, 10), 1.), (Work(10, 0, 10), .9), (Work(1, 0, 20), 2.)]
    device = fit_device('odd', steps, cores=1, link=1)
    assert device.flops == device.bandwidth == float('inf')
    amounts = [10, 10 / .9, 10]
    assert device.call == pytest.approx(sum(amounts) / sum(a * a for a in amounts))
