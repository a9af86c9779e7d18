"""Tables and pictures say what the result files say, and nothing else."""
import json
import shutil
from statistics import stdev

import cv2
import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.files.figure import new_figure
from ssfer_mm.tables.figures import read_cells
from ssfer_mm.tables.markdown import accuracy, accuracy_tta, mean_class, recall, runs, settings
from ssfer_mm.tables.markdown import time as times
from ssfer_mm.tables.plots import legend_below
from ssfer_mm.tables.results_page import BLOCKS, plot_blocks, write_page

from .conftest import TABLE


@pytest.fixture()
def done(toy):
    """Two seeds at 5 %, and one row at 10 % with one of them."""
    toy.run('--fractions', 5)
    toy.run('--only', 'facemix', '--fractions', 10, '--seeds', 1)
    toy.cells = lambda: read_cells(str(toy.path), False, toy.results)
    return toy


def cells_of(block, row):
    line, = [line for line in block.splitlines() if line.startswith(f'| {row} ')]
    return [cell.strip() for cell in line.strip('|').split('|')][1:]


def test_mean_and_spread_over_seeds_and_missing_cells(done):
    block = accuracy(done.cells())
    # 60 and 62 with seeds 0 and 1
    assert cells_of(block, 'SSFER') == [f'61.00 ± {stdev([60, 62]):.2f} (2)', '–', '']
    assert cells_of(block, 'FaceMix') == ['61.00 ± 1.41 (2)', '62.00 (1)', '']
    assert cells_of(block, 'labels only') == ['61.00 ± 1.41 (2)', '', '–']
    assert cells_of(block, '*theirs*') == ['*81.77*', '', '']
    assert cells_of(mean_class(done.cells()), 'SSFER')[0] == '40.50 ± 0.71 (2)'


def test_the_flip_has_a_table_of_its_own(done):
    cells = done.cells()
    cells.records['ssfer/5pct_seed1']['accuracy_tta'] = 63.5
    block = accuracy_tta(cells)
    assert cells_of(block, 'SSFER') == ['63.50 (1)', '–', '']
    assert cells_of(block, 'FaceMix') == ['–', '–', '']


def test_rows_without_any_result_are_named_below_the_table(done):
    cells = done.cells()
    for name in [name for name in cells.records if name.startswith('fixmatch/')]:
        del cells.records[name]
    table, words = accuracy(cells).split('\n\n')
    assert 'FixMatch' not in table and 'nothing is finished: FixMatch.' in words
    assert 'FixMatch' not in recall(cells)


def test_no_cell_is_dropped_silently(done):
    block = runs(done.cells())
    assert '9 of 14 cells are finished' in block
    assert len([line for line in block.splitlines() if line.startswith('| ')]) == 9 + 2


def test_a_run_can_be_traced(done):
    line = cells_of(runs(done.cells()), 'SSFER | 5 | 0')
    record = json.loads((done.results / 'cells/toy/ssfer_5pct_seed0.json').read_text())
    assert line[2:5] == ['60.00', '40.00', '4 / 8']
    assert record['split'].startswith(line[5]) and record['hardware'] == line[9]
    assert line[9].endswith(', 2 runs at a time')
    assert record['command'] in done.plan()['ssfer/5pct_seed0'].command()
    # Stage II was paid for by the row that it comes from.
    assert record['seconds'] == 30 and record['stages']['supervised']['seconds'] == 30


def test_other_blocks(done):
    cells = done.cells()
    at_5, at_10 = recall(cells).split('\n\n')
    assert cells_of(at_5, 'SSFER') == ['70.0', '10.5'] and cells_of(at_10, 'SSFER') == ['–', '–']
    assert cells_of(times(cells), 'SSFER')[1:] == ['30 s', '–', '']
    line = cells_of(settings(cells), 'FixMatch')
    assert line[1] == 'stage II of FaceMix' and '`model.pseudo_labels_from=student`' in line[4]


def test_time_and_recall_are_means_over_seeds(toy):
    toy.run('--only', 'facemix', '--fractions', 5)
    cells = read_cells(str(toy.path), False, toy.results)
    for seed in (0, 1):
        cells.records[f'facemix/5pct_seed{seed}'].update(
            seconds=60 * (1 + seed), hardware='A', recall=dict(joy=70., fear=10. + 2 * seed))
    assert '| FaceMix | A | 1 min 30 s |' in times(cells)
    assert '| FaceMix | 70.0 | 11.0 |' in recall(cells)


def test_times_of_different_machines_are_not_averaged(done):
    cells = done.cells()
    for seed, seconds, hardware in ((0, 600, 'AMD EPYC, 2 cores, 2 runs at a time'),
                                    (1, 20, 'NVIDIA H100, 11 runs at a time')):
        cells.records[f'ssfer/5pct_seed{seed}'].update(seconds=seconds, hardware=hardware)
    lines = [line for line in times(cells).splitlines() if line.startswith('| SSFER |')]
    assert lines == ['| SSFER | AMD EPYC | 10 min | – |  |',
                     '| SSFER | NVIDIA H100 | 20 s | – |  |']


def test_the_page_is_the_template_with_its_blocks(done):
    template = done.results / 'template.md'
    blocks = [*BLOCKS, *plot_blocks()]
    template.write_text('My words.\n' + ''.join(f'<!-- {done.path}: {b} -->\n' for b in blocks)
                        + f'<!-- {done.path} --dev: accuracy -->\n<!-- kept -->\n')
    write_page(template, done.page, done.results)
    text = done.page.read_text()
    assert 'My words.' in text and text.count('±') > 5 and '<!-- kept -->' in text
    assert '.yaml' not in text.replace('Generated', '')
    for kind in ('accuracy', 'curves', 'pseudo_labels', 'confusion'):
        assert f'](results/toy/{kind}.png)' in text
        picture = cv2.imread(str(done.results / f'toy/{kind}.png'))
        assert picture.shape[1] > 300 and (picture < 200).any()
    first = done.page.read_bytes()
    write_page(template, done.page, done.results)
    assert done.page.read_bytes() == first


def test_a_page_elsewhere_links_its_pictures_by_a_relative_path(done):
    template, page = done.results / 'template.md', done.page.parent / 'my/pages/mine.md'
    template.write_text(f'<!-- {done.path}: plot_accuracy -->\n')
    write_page(template, page, done.results)
    assert '](../../results/toy/accuracy.png)' in page.read_text()


def test_only_pictures_that_the_page_shows_are_drawn(done):
    shutil.rmtree(done.results / 'toy', ignore_errors=True)
    template = done.results / 'template.md'
    template.write_text(f'<!-- {done.path}: plot_accuracy -->\n<!-- {done.path}: recall -->\n')
    write_page(template, done.page, done.results)
    assert [path.name for path in (done.results / 'toy').iterdir()] == ['accuracy.png']


@pytest.mark.parametrize('columns', [1, 2, 3])
def test_the_legend_lies_in_the_picture(columns):
    figure = new_figure(5 * columns + 1, 4.5)
    panels = figure.subplots(1, columns, squeeze=False)
    for number in range(4):
        panels[0, 0].plot([0, 1], label=f'{number} + stage III, student as its own teacher (as '
                          'FixMatch): precision')
    legend_below(figure, panels[0])
    figure.draw_without_rendering()
    legend, (width, _) = figure.legends[0].get_window_extent(), figure.canvas.get_width_height()
    assert legend.x0 >= 0 and legend.x1 <= width


def test_bars_lines_and_dollars_in_titles(done):
    rows = {**TABLE['rows'], 'ssfer': dict(TABLE['rows']['ssfer'], title='A | B\nof $_{ and $')}
    done.write(rows=rows, published=[dict(title='p | q', values={5: 1})])
    heads = [line for line in accuracy(done.cells()).splitlines() if r'\|' in line]
    assert [line.split(' | ')[0] for line in heads] == [r'| A \| B of $_{ and $', r'| *p \| q*']
    (done.results / 'template.md').write_text(f'<!-- {done.path}: plot_accuracy -->\n')
    done.run('--report-only')
    assert (done.results / 'toy/accuracy.png').is_file()


def test_pictures_of_nothing_are_not_drawn(toy):
    (toy.results / 'template.md').write_text(f'<!-- {toy.path}: plot_curves -->\n')
    toy.run('--report-only')
    assert 'nothing of it is finished' in toy.page.read_text()
    assert not list(toy.results.glob('**/*.png'))


def test_an_unknown_block_is_named_with_its_line(toy):
    template = toy.results / 'template.md'
    template.write_text(f'\n<!-- {toy.path}: acuracy -->\n')
    with pytest.raises(UserError, match="line 2 asks for 'acuracy'"):
        write_page(template, toy.page, toy.results)


def test_cross_data_results_enter_the_page(toy):
    folder = toy.results / 'cross'
    folder.mkdir()
    (toy.results / 'template.md').write_text('<!-- cross-data -->\n')
    (folder / 'a.json').write_text(json.dumps(dict(
        title='A', data='Faces13k', subset='all', images=7, detector='whole', accuracy=50.,
        mean_class_accuracy=40., recall=dict(fear=40.), counts=dict(fear=5), command='python x')))
    toy.run('--report-only')
    assert '| A | Faces13k all, 7 images | whole | 50.00 | 40.00 | fear 40.0 (5) |' in (
        toy.page.read_text())
    (folder / 'b.json').write_text('{}')
    with pytest.raises(UserError, match='b.json is not a result'):
        toy.run('--report-only')
