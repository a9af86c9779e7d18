"""The benchmark of face boxes runs, compares like with like, and says what it left out."""
import importlib.util
import json
from pathlib import Path

import pytest
import torch

REPO = Path(__file__).resolve().parents[2]
SMALL = ['--rounds', '2', '--part-rounds', '2', '--images', '12', '--batch-size', '4']


@pytest.fixture(scope='module')
def cost():
    spec = importlib.util.spec_from_file_location('facemix_cost',
                                                  REPO / 'benchmarks' / 'facemix_cost.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_times_every_way(cost, tmp_path, capsys):
    cost.main([*SMALL, '--detector', 'fixed', '--json', str(tmp_path / 'cost.json')])
    found = json.loads((tmp_path / 'cost.json').read_text())
    assert list(found['step_ms']) == ['mixup', 'mixup, tracked', 'facemix', 'facemix, tracked',
                                      'facemix, online']
    assert set(found['ratios']) == {text for text, _, _ in cost.RATIOS}
    assert found['skipped'] is None
    assert 'tracking adds' in capsys.readouterr().out


@pytest.mark.parametrize('option', ['--rounds', '--part-rounds'])
def test_one_round_has_no_quartiles(cost, monkeypatch, option):
    monkeypatch.setattr(cost, 'measure', lambda args: pytest.fail('the work was begun'))
    with pytest.raises(cost.UserError, match=f'{option} 1: expected at least 2'):
        cost.main([*SMALL, option, '1'])


def test_ways_differ_in_nothing_but_boxes(cost, tmp_path):
    args = cost.parse([*SMALL, '--detector', 'yunet:missing.onnx'])
    bench = cost.Bench(args, str(tmp_path))
    assert 'facemix, online skipped' in bench.skipped and 'missing.onnx' in bench.skipped
    plain, tracked = (bench.ways[name].batch(bench.indices(0), 0)
                      for name in ('facemix', 'facemix, tracked'))
    assert torch.equal(plain['inputs']['labeled'], tracked['inputs']['labeled'])
    assert 'face_box' not in plain['data_samples']['labeled'][0]
    assert 'face_box' in tracked['data_samples']['labeled'][0]
    mixes = [bench.ways[name].preprocessor(batch, training=True)['inputs']['facemix']
             for name, batch in (('facemix', plain), ('facemix, tracked', tracked))]
    assert mixes[0].iou.isnan().all() and not mixes[1].iou.isnan().any()
    assert mixes[0].real_weight.tolist() == mixes[1].real_weight.tolist() == [1.] * 4
