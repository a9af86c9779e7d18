"""Pictures show the means, spreads and sums that the result files have."""
import json
from dataclasses import replace

import numpy as np
import pytest

from ssfer_mm.tables.figures import read_cells
from ssfer_mm.tables.plots import DRAWINGS, save_plots


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


def test_only_what_has_changed_is_drawn(toy, monkeypatch):
    toy.run('--only', 'facemix', '--fractions', 5)
    cells, folder = read_cells(str(toy.path), False, toy.results), toy.results / 'toy'
    drawn = []
    for kind, draw in DRAWINGS.items():
        monkeypatch.setitem(DRAWINGS, kind, lambda cells, kind=kind, draw=draw: (
            drawn.append(kind), draw(cells))[1])

    def again(cells=cells):
        drawn.clear()
        there = save_plots(cells, folder)
        assert sorted(there.values()) == sorted(path.name for path in folder.glob('*.png'))
        return [kind for kind in drawn if kind in there]

    first = again()
    assert 'accuracy' in first and again() == []
    bytes_before = (folder / 'accuracy.png').read_bytes()
    (folder / 'accuracy.png').write_bytes(b'other')
    assert again() == ['accuracy'] and (folder / 'accuracy.png').read_bytes() == bytes_before
    (folder / 'accuracy.png').unlink()
    assert again() == ['accuracy']
    rows = dict(cells.table.rows)
    rows['facemix'] = replace(rows['facemix'], title='Another')
    assert again(replace(cells, table=replace(cells.table, rows=rows))) == first
    (folder / 'drawn.json').write_text('{"accuracy.png": 1}')
    assert again() == first
    assert sorted(json.loads((folder / 'drawn.json').read_text())) == sorted(
        f'{kind}.png' for kind in first)
    again(replace(cells, records={}))
    assert list(folder.iterdir()) == []
