"""The picture of several tables shows the rows that its file names, at their means."""
import cv2
import pytest
import yaml

from ssfer_mm.errors import UserError
from ssfer_mm.tables import comparison
from ssfer_mm.tables.comparison import draw_comparison


@pytest.fixture()
def drawn(toy, monkeypatch):
    """``drawn(*lines)`` writes the file and draws; gives the lines of the picture.

    A line is its label, places and heights.
    """
    figures = []
    save = comparison.save_figure
    monkeypatch.setattr(comparison, 'save_figure',
                        lambda figure, path: figures.append(figure) or save(figure, path))

    def draw(*lines):
        (toy.results / 'comparison.yaml').write_text(yaml.safe_dump(dict(lines=[
            dict(dict(title='a line', table=str(toy.path)), **line) for line in lines])))
        draw_comparison(toy.results)
        axes, = figures.pop().axes
        return [(text.get_text(), *(container[0].get_data()), container[2][0].get_segments())
                for text, container in zip(axes.texts, axes.containers)]

    return draw


def test_means_and_spread_over_seeds(toy, drawn):
    toy.run('--only', 'facemix', '--fractions', 5)
    toy.run('--only', 'facemix', '--fractions', 10, '--seeds', 1)
    (title, places, heights, bars), = drawn(dict(title='ours', row='facemix'))
    assert title == 'ours' and list(places) == [5, 10] and list(heights) == [61, 62]
    # 60 and 62 with seeds 0 and 1; a single seed has no spread.
    (_, low), (_, high) = bars[0]
    assert high - low == pytest.approx(2 * 2 ** .5) and not len(bars[1])


def test_without_a_row_the_published_figures(toy, drawn):
    (title, places, heights, _), = drawn(dict(title='theirs'))
    assert title == 'theirs' and list(places) == [5] and list(heights) == [81.77]


def test_rows_of_which_nothing_is_finished_are_left_out(toy, drawn):
    toy.run('--only', 'facemix', '--fractions', 5)
    lines = drawn(dict(title='a', row='facemix'), dict(title='b', row='ssfer'))
    assert [title for title, *_ in lines] == ['a']


def test_the_page_shows_it(toy):
    (toy.results / 'template.md').write_text('<!-- comparison -->\n')
    (toy.results / 'comparison.yaml').write_text(yaml.safe_dump(dict(
        lines=[dict(title='theirs', table=str(toy.path))])))
    toy.run('--report-only')
    assert '![comparison](results/comparison.png)' in toy.page.read_text()
    assert (cv2.imread(str(toy.results / 'comparison.png')) < 100).any()


@pytest.mark.parametrize('line, words', [
    (dict(row='facemixx'), 'no row facemixx; its rows are scratch, facemix, ssfer, fixmatch'),
    (dict(rows='facemix'), r'lines.0 knows no entry rows; do you mean row\?'),
    (dict(table='gone.yaml'), 'table gone.yaml cannot be read'),
])
def test_mistakes_in_the_file(drawn, line, words):
    with pytest.raises(UserError, match=words):
        drawn(line)


def test_without_the_file(toy):
    with pytest.raises(UserError, match='comparison.yaml cannot be read'):
        draw_comparison(toy.results)
