"""Pictures show the means, spreads and sums that the result files have."""
import numpy as np
import pytest

from ssfer_mm.tables.figures import read_cells
from ssfer_mm.tables.plots import DRAWINGS


@pytest.fixture()
def panels(toy):
    """``panels(kind)``: the axes of a picture of two seeds of one row."""
    toy.run('--only', 'facemix', '--fractions', 5)
    cells = read_cells(str(toy.path), False, toy.results)
    for seed in (0, 1):
        cells.records[f'facemix/5pct_seed{seed}'].update(
            confusion=[[3, 1], [0, 6 * seed]],
            curves=dict(loss=[[1, 2], [4., 2. + 2 * seed]], accuracy=[[2], [60. + 2 * seed]]))
    return lambda kind: DRAWINGS[kind](cells).axes


def test_a_confusion_is_summed_over_seeds_and_shared_out_over_the_true_class(panels):
    shown, = (axes.images[0].get_array() for axes in panels('confusion') if axes.images)
    np.testing.assert_allclose(shown, [[6 / 8, 2 / 8], [0, 1]])


def test_curves_are_means_with_their_deviation(panels):
    loss, accuracy = panels('curves')[:2]
    np.testing.assert_allclose(loss.lines[0].get_data(), [[1, 2], [4, 3]])
    np.testing.assert_allclose(accuracy.lines[0].get_data(), [[2], [61]])
    band = loss.collections[0].get_paths()[0].vertices
    at_2 = band[band[:, 0] == 2, 1]
    assert (at_2.min(), at_2.max()) == pytest.approx((3 - 2**.5, 3 + 2**.5))
