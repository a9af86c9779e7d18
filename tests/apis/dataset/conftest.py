"""What the tests of the data check share."""
import cv2
import pytest

from ssfer_mm.apis.dataset.check_data import check_data
from support.checked_data import CLASSES, CONFIG, RECIPE
from support.photos import photo


@pytest.fixture
def root(tmp_path):
    """Four training and two test photos of each class, and three more without labels."""
    names = [f'{part}/{name}/{k}.png' for part, count in (('train', 4), ('test', 2))
             for name in CLASSES for k in range(count)] + [f'more/{k}.png' for k in range(3)]
    for seed, name in enumerate(names):
        path = tmp_path / 'data' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), photo(seed, 48))
    return tmp_path / 'data'


@pytest.fixture
def config(root, tmp_path):
    def write(boxes=None, split=RECIPE, test='test', classes=CLASSES, more=''):
        path = tmp_path / 'config.py'
        path.write_text(CONFIG.format(root=str(root), boxes=boxes, split=split, test=test,
                                      classes=classes, more=more))
        return str(path)
    return write


@pytest.fixture
def check(config):
    """Findings as {(severity, kind, part): finding}; one worker, no cache."""
    def run(fast=False, **settings):
        checked = check_data([config(**settings)], fast=fast, workers=1)
        found = {(f.severity, f.kind, f.part): f for f in checked.findings}
        assert len(found) == len(checked.findings)
        return found, checked
    return run
