"""Versions, checkpoints that may not run code, and mmdet without compiled operators."""
import logging
import os
import pickle
import subprocess
import sys
import warnings
import zipfile

import mmengine.logging
import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModel
from mmengine.runner import Runner, load_checkpoint

from ssfer_mm import compat
from ssfer_mm.errors import UserError

TORCH = {'torch': '2.15.0', 'torchvision': '0.29.2'}
ONEDL = {'onedl-mmengine': '0.10.12', 'onedl-mmcv': '2.3.6', 'onedl-mmpretrain': '1.3.6', **TORCH}
UPSTREAM = {'mmengine': '0.10.7', 'mmcv-lite': '2.1.0', 'mmpretrain': '1.2.0', **TORCH}


# ---------------------------------------------------------------------------------- environment


@pytest.mark.parametrize('found', [
    ONEDL,
    UPSTREAM,
    {**ONEDL, 'onedl-mmdetection': '3.5.1'},
    {**UPSTREAM, 'mmdet': '3.3.0'},
    {**ONEDL, 'torch': '2.8.0+cu128'},  # local builds count as the version they are of
], ids=['onedl', 'upstream', 'onedl with mmdet', 'upstream with mmdet', 'cuda build'])
def test_one_whole_family_is_fine(found):
    assert compat.find_problem(found) is None


@pytest.mark.parametrize('found, words', [
    ({}, ['onedl-mmengine', 'torchvision', '[onedl]"']),
    ({k: v for k, v in ONEDL.items() if k != 'onedl-mmcv'}, ['onedl-mmcv', '[onedl]"']),
    ({k: v for k, v in UPSTREAM.items() if k != 'mmpretrain'}, ['mmpretrain', '[openmmlab]"']),
    ({k: v for k, v in ONEDL.items() if k != 'torchvision'}, ['torchvision', '[onedl]"']),
    ({**ONEDL, 'mmcv': '2.1.0'},
     ['uninstall -y onedl-mmengine onedl-mmcv onedl-mmpretrain mmcv && pip', '[onedl]"']),
    ({**ONEDL, 'mmdet': '3.3.0'}, ['mmdet 3.3.0', 'pip uninstall -y']),
    ({**UPSTREAM, 'mmcv-lite': '2.2.0'}, ['mmcv-lite 2.2.0', '>=2.1.0,<2.2', '[openmmlab]"']),
    ({**ONEDL, 'torch': '2.5.1'}, ['torch 2.5.1', '>=2.6']),
    ({**ONEDL, 'onedl-mmdetection': '3.4.0'}, ['onedl-mmdetection 3.4.0']),
])
def test_problem_names_what_is_wrong_and_the_command(found, words):
    problem = compat.find_problem(found)
    assert all(word in problem for word in words), problem
    assert 'pip install' in problem and '\n' not in problem


def test_check_raises_an_import_error_that_is_a_user_error(monkeypatch):
    monkeypatch.setattr(compat, 'installed_versions', dict)
    with pytest.raises(ImportError, match='pip install') as caught:
        compat.check_environment()
    assert isinstance(caught.value, UserError)


def test_versions_come_from_what_is_installed():
    assert compat.installed_versions()['torch'] == torch.__version__.split('+')[0] or \
        compat.installed_versions()['torch'] == torch.__version__


# ---------------------------------------------------------------------------------- quiet imports


class Records(logging.Handler):

    def __init__(self):
        super().__init__()
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def test_quiet_imports_drop_only_the_known_messages(capsys):
    logger = mmengine.logging.MMLogger.get_current_instance()
    logged = Records()
    logger.addHandler(logged)
    with compat.quiet_imports(), warnings.catch_warnings(record=True) as seen:
        for text in compat.HARMLESS_MESSAGES + ('something else',):
            mmengine.logging.print_log(f'{text} (printed)', level=logging.DEBUG)
            logger.warning(f'{text} (logged)')
            warnings.warn(f'{text} (warned)', stacklevel=1)
    logger.removeHandler(logged)
    assert capsys.readouterr().out.splitlines() == ['something else (printed)']
    assert logged.texts == ['something else (logged)']
    assert [str(w.message) for w in seen] == ['something else (warned)']


def test_quiet_imports_leave_nothing_behind(capsys):
    before = mmengine.logging.print_log
    with pytest.raises(ZeroDivisionError), compat.quiet_imports():
        1 / 0  # noqa: B018
    assert mmengine.logging.print_log is before
    before(compat.HARMLESS_MESSAGES[0])
    assert compat.HARMLESS_MESSAGES[0] in capsys.readouterr().out


# ------------------------------------------------------------------------------------ checkpoints


class Affine(BaseModel):

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def forward(self, x, mode):
        return dict(loss=self.layer(x).square().mean())


def make_runner(work_dir, epochs, resume=False):
    data = [dict(x=torch.tensor([i, 1.])) for i in range(4)]
    return Runner(
        model=Affine(), work_dir=str(work_dir), resume=resume,
        train_dataloader=dict(dataset=data, batch_size=2, collate_fn=dict(type='default_collate'),
                              sampler=dict(type='DefaultSampler', shuffle=True)),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
        param_scheduler=[dict(type='LinearLR', start_factor=.1, end=1)],
        custom_hooks=[dict(type='EMAHook')],
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
        experiment_name=f'{work_dir.name}_{epochs}_{resume}', default_scope='mmengine',
        randomness=dict(seed=0), cfg=ConfigDict())


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A real one: optimizer, schedule, EMA and the log buffers that need more than plain types."""
    work_dir = tmp_path_factory.mktemp('run')
    make_runner(work_dir, epochs=1).train()
    return work_dir / 'epoch_1.pth'


class Stranger:
    """Unpickling one creates a file."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (str(self.victim),)


def test_a_real_checkpoint_needs_the_extra_types(checkpoint):
    with pytest.raises(pickle.UnpicklingError):
        torch.load(checkpoint, weights_only=True)
    loaded = compat.load_checkpoint_safely(checkpoint)
    losses, _ = loaded['message_hub']['log_scalars']['train/loss'].data
    assert losses.shape == (2,) and losses.dtype == np.float64
    assert {'optimizer', 'param_schedulers', 'ema_state_dict'} <= set(loaded)


def test_loading_registers_nothing_for_everybody_else(checkpoint):
    before = set(torch.serialization.get_safe_globals())
    compat.load_checkpoint_safely(checkpoint)
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_run_resumes_through_the_safe_loader(checkpoint, monkeypatch):
    asked = []
    original = torch.load

    def spy(*args, **kwargs):
        asked.append(kwargs.get('weights_only'))
        return original(*args, **kwargs)

    monkeypatch.setattr(torch, 'load', spy)
    compat.enable_safe_loading()
    runner = make_runner(checkpoint.parent, epochs=2, resume=True)
    runner.train()
    assert runner.epoch == 2 and runner.iter == 4
    assert asked == [True]
    losses, _ = runner.message_hub.get_scalar('train/loss').data
    assert len(losses) == 4, 'the first epoch is remembered'


def test_checkpoints_travel_between_numpy_1_and_2(checkpoint, tmp_path):
    ours, other = b'numpy._core.multiarray', b'numpy.core.multiarray'
    if np.lib.NumpyVersion(np.__version__) < '2.0.0':
        ours, other = other, ours
    travelled = tmp_path / 'travelled.pth'
    with zipfile.ZipFile(checkpoint) as source, zipfile.ZipFile(travelled, 'w') as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith('data.pkl'):
                assert ours in content
                content = content.replace(ours, other)
            target.writestr(name, content)
    losses, _ = compat.load_checkpoint_safely(travelled)['message_hub']['log_scalars'][
        'train/loss'].data
    assert len(losses) == 2


def test_code_in_a_checkpoint_never_runs(tmp_path):
    victim = tmp_path / 'victim'
    torch.save(dict(state_dict={}, extra=Stranger(victim)), tmp_path / 'bad.pth')
    compat.enable_safe_loading()
    for load in (compat.load_checkpoint_safely, lambda path: load_checkpoint(Affine(), str(path))):
        with pytest.raises(UserError, match=r'bad\.pth holds \w+\.mkdir, which could run code'):
            load(tmp_path / 'bad.pth')
    assert not victim.exists()


def test_getattr_is_limited_to_log_statistics(tmp_path):

    class Gadget:
        def __reduce__(self):
            return getattr, (np.ndarray, '__init__')

    torch.save(dict(a=Gadget()), tmp_path / 'bad.pth')
    with pytest.raises(UserError, match='builtins.getattr, which could run code'):
        compat.load_checkpoint_safely(tmp_path / 'bad.pth')


@pytest.mark.parametrize('share', [0, .1, .9])
def test_a_damaged_checkpoint_is_named(checkpoint, tmp_path, share):
    content = checkpoint.read_bytes()
    path = tmp_path / 'cut.pth'
    path.write_bytes(content[:int(len(content) * share)])
    with pytest.raises(UserError, match=r'cut\.pth is damaged'):
        compat.load_checkpoint_safely(path)


def test_other_bad_checkpoints(tmp_path):
    (tmp_path / 'text.pth').write_text('Not Found')
    torch.save([1, 2], tmp_path / 'list.pth')
    for name, words in {'text.pth': 'damaged or no checkpoint', 'list.pth': 'holds a list',
                        'absent.pth': 'not found'}.items():
        with pytest.raises(UserError, match=words):
            compat.load_checkpoint_safely(tmp_path / name)


def test_downloaded_checkpoints_are_loaded_safely_and_once(tmp_path, monkeypatch):
    torch.save(dict(state_dict=Affine().state_dict()), tmp_path / 'source.pth')
    downloads = []

    def download(url, target, *args, **kwargs):
        downloads.append(url)
        with open(target, 'wb') as file:
            file.write((tmp_path / 'source.pth').read_bytes())

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    compat.enable_safe_loading()
    for _ in range(2):
        loaded = load_checkpoint(Affine(), 'https://example.org/a/model.pth?x=1')
    assert set(loaded['state_dict']) == {'layer.weight', 'layer.bias'}
    assert downloads == ['https://example.org/a/model.pth?x=1']


# ---------------------------------------------------------------------------------- mmcv stand-in


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
    kept = compat._nms(boxes, scores, 0.3, offset)
    assert kept.tolist() == slow_nms(boxes.tolist(), scores.tolist(), 0.3, offset)


def test_a_compiled_mmcv_wins(monkeypatch):
    compiled = type(sys)('mmcv._ext')
    monkeypatch.setitem(sys.modules, 'mmcv._ext', compiled)
    assert compat.install_mmcv_stand_in() is False
    assert sys.modules['mmcv._ext'] is compiled
    monkeypatch.delitem(sys.modules, 'mmcv._ext')
    monkeypatch.setattr(compat.importlib.util, 'find_spec', lambda name: object())
    assert compat.install_mmcv_stand_in() is False
    assert 'mmcv._ext' not in sys.modules


def test_mmdet_imports_and_suppresses_with_the_stand_in():
    pytest.importorskip('mmdet')
    # Only compat.py: the package's own imports would take longer than all of this.
    code = f'''
import sys, types
package = sys.modules['ssfer_mm'] = types.ModuleType('ssfer_mm')
package.__path__ = [{os.path.dirname(compat.__file__)!r}]
from ssfer_mm import compat
used = compat.install_mmcv_stand_in()
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
    except compat.UserError as error:
        assert 'softnms' in str(error)
    else:
        raise SystemExit('soft_nms ran without being compiled')
'''
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not any(text in done.stderr + done.stdout for text in compat.HARMLESS_MESSAGES)
