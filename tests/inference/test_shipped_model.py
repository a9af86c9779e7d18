"""The recognizer inside the package."""
import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ssfer_mm.expressions import FERPLUS8
from ssfer_mm.faces.detectors import build_detector
from ssfer_mm.faces.detectors.embedded import WEIGHTS as DETECTOR
from ssfer_mm.inference import FERInferencer
from ssfer_mm.inference.backends import SHIPPED_DETECTOR
from ssfer_mm.model_files.model_names import WEIGHTS
from ssfer_mm.synthfer import SynthFERGenerator
from ssfer_onnx import OnnxFaceDetector
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


def test_the_detector_has_a_card():
    card = Path(f'{DETECTOR}.md').read_text(encoding='utf-8')
    for part in ('Intended use', 'Training data', 'Training', 'Evaluation', 'Limits', 'License'):
        assert f'\n## {part}\n' in card
    for config in re.findall(r'configs/[\w/.-]+\.py', card):
        assert (REPO / config).is_file()


def test_one_of_them_is_the_default(entries):
    assert [entry.get('default', False) for entry in entries.values()].count(True) == 1


@pytest.fixture(scope='module')
def faces():
    """Four drawn faces as crops, and one picture of all of them."""
    drawn = SynthFERGenerator(seed=0, size=256)
    crops = [np.ascontiguousarray(drawn.item('test', number).image[..., ::-1])
             for number in range(4)]
    return crops, np.vstack([np.hstack(crops[:2]), np.hstack(crops[2:])])


def test_every_model_has_an_onnx_twin_that_takes_its_weights(entries, faces):
    for name, entry in entries.items():
        twin = WEIGHTS / entry['onnx']
        assert twin.stat().st_size < 250_000, 'the graph alone'
        found = [[list(result.faces[0].probabilities.values()) for result in
                  FERInferencer(name, 'whole', backend=backend)(faces[0])]
                 for backend in ('torch', 'onnx')]
        np.testing.assert_allclose(*found, atol=1e-4)


def test_the_detector_has_one_too(faces):
    assert SHIPPED_DETECTOR.stat().st_size < 500_000
    torch, = build_detector('embedded').detect([faces[1]])
    onnx, = OnnxFaceDetector(SHIPPED_DETECTOR).detect([faces[1]])
    assert len(torch) == 4
    np.testing.assert_allclose(onnx.boxes, torch.boxes, atol=0.1)
    np.testing.assert_allclose(onnx.scores, torch.scores, atol=1e-3)


def test_a_path_names_the_detector_as_a_text_does(faces):
    results = [FERInferencer(detector=detector)(faces[1])[0]
               for detector in (SHIPPED_DETECTOR, str(SHIPPED_DETECTOR))]
    assert results[0] == results[1] and len(results[0].faces) == 4


# Everything else that is installed cannot be imported.
ONLY = """
import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain',
                                      'mmdet', 'PIL', 'matplotlib', 'tqdm', 'safetensors', 'onnx'}:
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
sys.meta_path.insert(0, Absent())
sys.path.insert(0, ROOT)
import ssfer_cli
sys.exit(ssfer_cli.main(sys.argv[1:]))
"""


def test_without_torch_and_without_any_option_it_answers(faces, tmp_path):
    cv2.imwrite(str(tmp_path / 'group.png'), faces[1])
    done = subprocess.run(
        [sys.executable, '-c', ONLY.replace('ROOT', repr(str(REPO))), 'predict', 'group.png',
         '--json', 'r.json'], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / 'r.json').read_text())
    result, = FERInferencer()(tmp_path / 'group.png')
    assert found['detector']['detector'].startswith('onnx:')
    assert len(found['results'][0]['faces']) == len(result.faces) == 4
    for ours, theirs in zip(result.faces, found['results'][0]['faces']):
        assert theirs['box'] == pytest.approx(ours.box, abs=0.1)
        assert theirs['probabilities'] == pytest.approx(ours.probabilities, abs=0.02)


def test_without_a_name_the_default_answers(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result, = FERInferencer(detector='whole')(np.full((60, 50, 3), 128, np.uint8))
    probabilities = result.faces[0].probabilities
    assert tuple(probabilities) == FERPLUS8
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
