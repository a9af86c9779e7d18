"""Damaged or hostile files of weights: an error of ours, and nothing runs that is in them."""
import json
import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from mmpretrain.registry import MODELS
from safetensors.torch import save as to_safetensors

from ssfer_mm.apis.export.convert_checkpoint import main as convert_main
from ssfer_mm.apis.training.launch import test_main as run_test
from ssfer_mm.apis.training.launch import train_main
from ssfer_mm.checkpoints import read_config_text
from ssfer_mm.component_types import check_types
from ssfer_mm.engine import CheckpointFolder
from ssfer_mm.errors import UserError
from ssfer_mm.faces.detectors import build_detector
from ssfer_mm.files import download
from ssfer_mm.inference.console import main as ssfer_main
from ssfer_mm.model_files.described import describe
from ssfer_mm.models.pretrained import load_backbone
from ssfer_mm.safe_loading import load_checkpoint_safely
from support.damage import CASES, damaged, for_all
from support.models import vit
from support.runs import config


class MakesAFolder:

    def __init__(self, victim):
        self.victim = str(victim)

    def __reduce__(self):
        return os.mkdir, (self.victim,)


@pytest.fixture()
def hostile(tmp_path):
    """A checkpoint that makes a folder where it is unpickled; and the folder."""
    path, victim = tmp_path / 'hostile.pth', tmp_path / 'victim'
    torch.save(dict(state_dict={}, meta=dict(epoch=1, iter=1), extra=MakesAFolder(victim)), path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    return str(path), victim


def by_name(prefix):
    """Through mmengine, under a short name that leads to the file."""
    def load(path, monkeypatch):
        from mmengine.runner import checkpoint

        monkeypatch.setattr(download, 'fetch_weights', lambda url, folder=None: path)
        for table in ('get_torchvision_models', 'get_external_models', 'get_mmcls_models'):
            monkeypatch.setattr(checkpoint, table, lambda: dict(x='https://example.org/x.pth'))
        CheckpointLoader.load_checkpoint(f'{prefix}x')
    return load


def init_cfg(path, _):
    module = BaseModule(init_cfg=dict(type='Pretrained', checkpoint=path))
    module.init_weights()


def newest(path, _):
    os.rename(path, Path(path).with_name('epoch_1.pth'))
    CheckpointFolder(str(Path(path).parent)).newest_whole()


WAYS = {
    'pretrained': lambda path, _: load_backbone(torch.nn.Linear(1, 1), path),
    'init_cfg': init_cfg,
    'resume, automatic': newest,
    'describe': lambda path, _: describe(path),
    'local, by mmengine': lambda path, _: CheckpointLoader.load_checkpoint(path),
    **{prefix: by_name(prefix) for prefix in (
        'https://', 'torchvision://', 'open-mmlab://', 'mmcls://', 's3://', 'petrel://')}}


@pytest.mark.parametrize('way', WAYS)
def test_no_way_into_the_package_unpickles_code(hostile, monkeypatch, way):
    path, victim = hostile
    with pytest.raises(UserError):
        WAYS[way](path, monkeypatch)
    assert not victim.exists()


@pytest.mark.parametrize('run', [
    lambda config, path: train_main([config, '--resume', path]),
    lambda config, path: train_main([config, '--cfg-options', f'load_from={path}']),
    lambda config, path: train_main([config, '--cfg-options', f'model.pretrained={path}']),
    lambda config, path: run_test([config, path]),
], ids=['train --resume', 'train load_from', 'train model.pretrained', 'test'])
def test_the_training_tools_refuse_it(hostile, tmp_path, run):
    path, victim = hostile
    cfg = config(tmp_path / 'work', custom_imports=dict(imports=['ssfer_mm', 'support.runs']))
    cfg.dump(tmp_path / 'tiny.py')
    with pytest.raises(UserError, match='hostile.pth holds .*mkdir'):
        run(str(tmp_path / 'tiny.py'), path)
    assert not victim.exists()


@pytest.mark.parametrize('arguments', [
    ['convert', 'hostile.pth', 'out.pth'],
    ['predict', 'face.png', '--model', 'hostile.pth', '--detector', 'whole']], ids=str)
def test_the_other_tools_refuse_it(hostile, tmp_path, arguments, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite('face.png', np.zeros((48, 48, 3), np.uint8))
    tool = dict(convert=lambda: convert_main(arguments[1:]), predict=lambda: ssfer_main(arguments))
    assert tool[arguments[0]]() == 2
    assert 'hostile.pth holds' in capsys.readouterr().err and not hostile[1].exists()


# ---- descriptions: mmengine would call whatever their `type` names ------------------------------

CALLS = [dict(type='os.mkdir'), dict(type='subprocess.run'), dict(type='builtins.exec'),
         dict(type='torch.load'), dict(type='mmengine.fileio.load'),
         dict(type='HuggingFaceClassifier'), dict(type=['os.mkdir']), dict(type='no.such')]


def test_mmengine_itself_would_call_it(tmp_path):
    """Else the tests below would test nothing."""
    MODELS.build(dict(type='os.mkdir', path=str(tmp_path / 'made')))
    assert (tmp_path / 'made').exists()


@pytest.mark.parametrize('call', CALLS, ids=str)
def test_a_description_may_name_components_only(call):
    for model in (call, dict(type='ImageClassifier', backbone=call),
                  dict(type='ImageClassifier', neck=[dict(type='GlobalAveragePooling'), call])):
        with pytest.raises(UserError, match='could run code'):
            check_types(model)
    check_types(vit())


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
@pytest.mark.parametrize('place', ['model', 'cfg'])
def test_weights_that_describe_a_call(tmp_path, suffix, place):
    victim, path = tmp_path / 'victim', tmp_path / f'model{suffix}'
    model = vit()
    model['backbone']['norm_cfg'] = dict(type='os.mkdir', path=str(victim))
    weights = MODELS.build(vit()).state_dict()
    meta = dict(format='ssfer_mm model 1', model=model) if place == 'model' else dict(
        cfg=f'model = {model!r}')
    if suffix == '.pth':
        torch.save(dict(state_dict=weights, meta=meta), path)
    else:
        path.write_bytes(to_safetensors(
            weights, {key: json.dumps(value) for key, value in meta.items()}))
    with pytest.raises(UserError, match="'os.mkdir'"):
        describe(path)
    assert not victim.exists()


def test_a_detector_that_describes_a_call(tmp_path):
    pytest.importorskip('mmdet')
    victim, path = tmp_path / 'victim', tmp_path / 'face_detector.safetensors'
    path.write_bytes(to_safetensors(dict(a=torch.ones(1)), dict(
        config=json.dumps(dict(type='os.mkdir', path=str(victim))), input_size='160',
        training='{}')))
    with pytest.raises(UserError, match="'os.mkdir'"):
        build_detector(dict(type='EmbeddedFaceDetector', weights=str(path)))
    assert not victim.exists()


# ---- damage ---------------------------------------------------------------------------------


@CASES
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_any_damage_to_weights(tmp_path, cases, suffix):
    path = tmp_path / f'x{suffix}'
    weights = dict(a=torch.arange(3.), b=torch.ones(2, 2))
    if suffix == '.pth':
        torch.save(dict(state_dict=weights, meta=dict(x=np.float64(1))), path)
    else:
        path.write_bytes(to_safetensors(weights, dict(model='{"type": "x"}', text='[')))
    whole = path.read_bytes()

    def check(data):
        path.write_bytes(data)
        try:
            loaded = load_checkpoint_safely(path)
        except UserError as error:
            assert '\n' not in str(error)
            return
        assert isinstance(loaded, dict)

    for_all(st.one_of(damaged(whole), st.binary(max_size=100)), cases, check)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(['type', 'model', 'backbone', 'head', 'classes', 'x']), inner, max_size=3),
    max_leaves=6)


@CASES
def test_any_description(tmp_path, cases):
    """True weights whose metadata say anything at all."""
    path, weights = tmp_path / 'x.safetensors', MODELS.build(vit()).state_dict()
    good = dict(format='ssfer_mm model 1', model=vit(), classes=['a', 'b', 'c'],
                dataset_meta=dict(classes=['a', 'b', 'c']), mean=[1, 2, 3], std=[1, 2, 3],
                input_size=[16, 16], training={}, epoch=1, stage='semi')

    def check(changes):
        meta = {**good, **changes}
        path.write_bytes(to_safetensors(
            weights, {key: json.dumps(value) for key, value in meta.items()}))
        try:
            found = describe(path)
        except UserError:
            return
        assert set(found.state) == set(weights)

    for_all(st.dictionaries(st.sampled_from([k for k in good if k != 'format']), values,
                            min_size=1, max_size=2), cases // 4, check)


@CASES
def test_any_damage_to_the_text_of_a_config(cases):
    text = b"model = dict(type='MAE', sizes=[-1, 2.5], top=float('inf'))\nx = {'a': (1, {2})}\n"

    def check(data):
        try:
            settings = read_config_text(data.decode('utf-8', 'replace'), 'here')
        except UserError:
            return
        assert all(isinstance(name, str) for name in settings)

    for_all(damaged(text, b'x = ' + b'(' * 500 + b')' * 500), cases * 2, check)


@CASES
def test_any_damage_to_the_list_of_checkpoints(tmp_path, cases):
    torch.save(dict(state_dict={}), tmp_path / 'whole')
    whole = (tmp_path / 'whole').read_bytes()
    folder = CheckpointFolder(str(tmp_path))
    (tmp_path / folder.part('epoch_1.pth')).write_bytes(whole)
    folder.adopt('epoch_1.pth', 'periodic', {})
    files = {name: (tmp_path / name).read_bytes()
             for name in ('checkpoints.json', 'last_checkpoint')}

    def check(draw):
        name, data = draw
        for file, content in {**files, name: data, 'epoch_1.pth': whole}.items():
            (tmp_path / file).write_bytes(content)
        try:
            chosen = folder.newest_whole()
        except UserError:
            return
        assert chosen is None or os.path.isfile(chosen)
        folder.prune(1)
        assert (tmp_path / 'whole').exists()

    for_all(st.one_of(*[st.tuples(st.just(name), damaged(content))
                        for name, content in files.items()]), cases // 2, check)
