"""mmdet without compiled operators."""
import os
import subprocess
import sys

import pytest
import torch

from ssfer_mm import compat, mmcv_stand_in


def slow_nms(boxes, scores, threshold, offset):
    """Greedy suppression, straight from its definition."""

    def area(box):
        return max(box[2] - box[0] + offset, 0) * max(box[3] - box[1] + offset, 0)

    def iou(a, b):
        both = [max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])]
        return area(both) / (area(a) + area(b) - area(both))

    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(iou(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize('offset', [0, 1])
def test_stand_in_nms_is_greedy_suppression(offset):
    generator = torch.Generator().manual_seed(0)
    boxes = torch.randint(0, 12, (60, 4), generator=generator).double()
    boxes[:, 2:] += boxes[:, :2] + 1
    scores = torch.rand(60, generator=generator, dtype=torch.float64)
    kept = mmcv_stand_in._nms(boxes, scores, 0.3, offset)
    assert kept.tolist() == slow_nms(boxes.tolist(), scores.tolist(), 0.3, offset)


def test_a_compiled_mmcv_wins(monkeypatch):
    compiled = type(sys)('mmcv._ext')
    monkeypatch.setitem(sys.modules, 'mmcv._ext', compiled)
    assert mmcv_stand_in.install_mmcv_stand_in() is False
    assert sys.modules['mmcv._ext'] is compiled
    monkeypatch.delitem(sys.modules, 'mmcv._ext')
    monkeypatch.setattr(mmcv_stand_in.importlib.util, 'find_spec', lambda name: object())
    assert mmcv_stand_in.install_mmcv_stand_in() is False
    assert 'mmcv._ext' not in sys.modules


def test_what_was_imported_earlier_is_mended(monkeypatch):
    def fake_module(name):
        module = type(sys)(name)
        exec('def batched_nms(): raise RuntimeError', vars(module))
        module.other = module.batched_nms
        return module

    for name in [name for name in sys.modules if name.startswith('mmdet.')]:
        monkeypatch.delitem(sys.modules, name)  # the real ones are to stay as they are
    early, foreign = fake_module('mmdet.early'), fake_module('mine.early')
    operators = type(sys)('mmcv.ops')
    operators.batched_nms = operators.nms = 'the operator'
    operators.MultiScaleDeformableAttention = 'the layer'
    transformer = type(sys)('mmcv.cnn.bricks.transformer')
    for module in (early, foreign, operators, transformer):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, 'mmcv._ext', None)
    monkeypatch.delitem(sys.modules, 'mmcv._ext')
    monkeypatch.setattr(mmcv_stand_in.importlib.util, 'find_spec', lambda name: None)
    assert mmcv_stand_in.install_mmcv_stand_in() is True
    assert early.batched_nms == 'the operator' and callable(early.other)
    assert callable(foreign.batched_nms)
    assert transformer.MultiScaleDeformableAttention == 'the layer'


def test_mmdet_imports_and_suppresses_with_the_stand_in():
    pytest.importorskip('mmdet')
    # Only these files: the package's own imports would take longer than all of this.
    code = f'''
import sys, types
package = sys.modules['ssfer_mm'] = types.ModuleType('ssfer_mm')
package.__path__ = [{os.path.dirname(compat.__file__)!r}]
from ssfer_mm import compat, mmcv_stand_in
used = mmcv_stand_in.install_mmcv_stand_in()
with compat.quiet_imports():
    import mmdet.apis, mmcv.ops
import torch
boxes = torch.tensor([[0., 0, 9, 9], [0, 0, 9, 8], [20, 20, 29, 29]])
kept = mmcv.ops.batched_nms(boxes, torch.tensor([.5, .9, .1]), torch.zeros(3, dtype=torch.long),
                            dict(type='nms', iou_threshold=.5))[1]
assert kept.tolist() == [1, 2], kept
if used:
    try:
        mmcv.ops.soft_nms(boxes, torch.ones(3))
    except mmcv_stand_in.UserError as error:
        assert 'softnms' in str(error)
    else:
        raise SystemExit('soft_nms ran without being compiled')
'''
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not any(text in done.stderr + done.stdout for text in compat.HARMLESS_MESSAGES)
