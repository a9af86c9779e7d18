"""A toy dataset and splits of it."""
from ssfer_mm.datasets.drawn_split import draw_split

CLASSES = ('happy', 'sad', 'rare')


def data(*counts, prefix=''):
    """Ids and labels of a dataset with so many images per class."""
    pairs = [(f'{prefix}{label}/{i:04d}.png', label) for label, n in enumerate(counts)
             for i in range(n)]
    return [id_ for id_, _ in pairs], [label for _, label in pairs]


def draw(counts=(40, 30, 3), prefix='', **how):
    ids, labels = data(*counts, prefix=prefix)
    return draw_split('Toy', CLASSES[:len(counts)], ids, labels, **how)
