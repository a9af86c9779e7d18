"""The recogniser inside the package."""
import json

import numpy as np
import pytest

from ssfer_mm.expressions import FERPLUS8
from ssfer_mm.inference import FERInferencer
from ssfer_mm.inference.model_names import WEIGHTS
from support.shrink import REPO


@pytest.fixture(scope='module')
def entries():
    return json.loads((WEIGHTS / 'models.json').read_text(encoding='utf-8'))


def test_every_shipped_file_is_small_and_has_a_card(entries):
    for name, entry in entries.items():
        file = WEIGHTS / entry['file']
        card = file.with_name(f'{file.name}.md').read_text(encoding='utf-8')
        assert file.stat().st_size <= 6e6, name
        assert '## Evaluation' in card and '## Limits' in card
        config = next(line for line in card.splitlines() if line.startswith('- Config: '))
        assert (REPO / config.removeprefix('- Config: ')).is_file()


def test_one_of_them_is_the_default(entries):
    assert [entry.get('default', False) for entry in entries.values()].count(True) == 1


def test_without_a_name_the_default_answers(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result, = FERInferencer(detector='whole')(np.full((60, 50, 3), 128, np.uint8))
    probabilities = result.faces[0].probabilities
    assert tuple(probabilities) == FERPLUS8
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
