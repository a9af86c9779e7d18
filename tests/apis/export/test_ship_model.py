"""Models into the package: whole and small and with an origin, or not at all."""
import json
import subprocess

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS

from ssfer_mm import UserError
from ssfer_mm.apis.export import ship_model
from ssfer_mm.apis.training import all_stages
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.inference import FERInferencer
from ssfer_mm.model_files import model_names
from ssfer_mm.model_files.described import Options, describe
from support.models import MEAN, STD, vit

CLASSES = ('sadness', 'fear', 'anger')
METRICS = {'accuracy': 70., 'mean_class_accuracy': 60., 'recall/sadness': 80., 'recall/fear': 40.,
           'recall/anger': 60.}
RECORD = dict(run='r', epoch=3, config='configs/ssfer/x.py', command='python tools/train.py x',
              commit='abc', licence='Apache-2.0', metrics=METRICS,
              train_data=dict(type='FERPlus', subset='train'))


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    config = vit()
    config['data_preprocessor'] = dict(type='ClsDataPreprocessor', mean=MEAN, std=STD,
                                       num_classes=3, to_rgb=True)
    network = MODELS.build(config)
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    meta = dict(format='ssfer_mm model 1', model=config, input_size=[16, 16], training=RECORD,
                dataset_meta=dict(classes=CLASSES))
    torch.save(dict(state_dict=network.state_dict(), meta=meta), tmp_path / 'model.pth')
    return tmp_path / 'model.pth'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    weights = tmp_path / 'weights'
    monkeypatch.setattr(model_names, 'WEIGHTS', weights)
    monkeypatch.chdir(tmp_path)
    return weights


def test_shipped_it_is_the_default_and_says_where_it_comes_from(model, folder):
    described = describe(model, Options(margin=-0.1))
    files = ship_model.ship(described, 'small', 'for a test', folder, onnx=True)
    assert [file.name for file in files] == ['small.onnx', 'small.safetensors',
                                             'small.safetensors.md']
    assert sorted(path.name for path in folder.iterdir()) == ['models.json'] + [
        file.name for file in files]
    card = (folder / 'small.safetensors.md').read_text()
    for words in ('configs/ssfer/x.py', 'python tools/train.py x', 'Commit: abc', 'recall, fear',
                  '40.00', 'Weights: Apache-2.0', 'FER+', 'fear (40 %)', 'Not for decisions',
                  '-10 % on each side'):
        assert words in card
    assert f'Made from: model.pth (SHA-256 {sha256_of(model)})' in card
    face = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    inferencer = FERInferencer(detector='whole')
    assert inferencer.describe()['model']['name'] == 'small' and inferencer.classes == CLASSES
    ours, exported, original = (
        list(FERInferencer(name, 'whole', backend=backend)(face)[0].faces[0].probabilities.values())
        for name, backend in ((None, 'torch'), (None, 'onnx'), (model, None)))
    np.testing.assert_allclose(ours, original, atol=1e-6)
    np.testing.assert_allclose(exported, original, atol=1e-5)
    assert describe(folder / 'small.safetensors').margin == -0.1
    # Who trained on faces of his own has to learn how to use what came of it, too.
    own, shipped = all_stages.how_to_use(model).splitlines()
    assert 'model small' in shipped and f'--model {model}' in own


def test_the_newest_is_the_default_unless_told_otherwise(model, folder):
    ship_model.ship(describe(model), 'one', '', folder)
    ship_model.ship(describe(model), 'two', '', folder, half=True)
    ship_model.ship(describe(model), 'three', '', folder, default=False)
    entries = json.loads((folder / 'models.json').read_text())
    assert [name for name in entries if entries[name].get('default')] == ['two']
    sizes = [(folder / f'{name}.safetensors').stat().st_size for name in ('one', 'two')]
    assert sizes[1] < 0.8 * sizes[0]
    assert describe(folder / 'two.safetensors').state.keys() == describe(model).state.keys()


def test_without_a_card_there_is_none_of_a_former_model_either(model, folder, monkeypatch, capsys):
    monkeypatch.setattr(ship_model, 'WEIGHTS', folder)
    Config(dict(model=describe(model).model)).dump('x.py')
    command = [str(model), '--name', 'small', '--commit', 'abc', '--config', 'x.py', '--no-onnx',
               '--force', '--command', f'python tools/train.py x --work-dir {folder.parent}']
    card = folder / 'small.safetensors.md'
    assert ship_model.main(command) == 0 and str(folder.parent) not in card.read_text()
    said = capsys.readouterr().out
    assert f'written to {card}' in said and '/.' not in said, 'no place that is gone by then'
    assert ship_model.main([*command, '--no-card']) == 0
    assert sorted(path.name for path in folder.iterdir()) == ['models.json', 'small.safetensors']
    assert '.md' not in capsys.readouterr().out
    assert ship_model.main([*command, '--no-default']) == 2, 'no model would be the default'
    assert 'small is the model taken where none is named' in capsys.readouterr().err


@pytest.mark.parametrize('gone, words', [
    ('config', 'config .--config'), ('command', 'command .--command'), ('commit', 'commit'),
    ('metrics', 'accuracy .stages.json')])
def test_without_an_origin_or_figures_nothing_is_shipped(model, folder, gone, words):
    described = describe(model)
    del described.training[gone]
    with pytest.raises(UserError, match=words):
        ship_model.ship(described, 'small', '', folder)
    described.training = dict(RECORD, metrics={'accuracy': 1., 'mean_class_accuracy': 1.})
    with pytest.raises(UserError, match='recall of sadness'):
        ship_model.ship(described, 'small', '', folder)
    with pytest.raises(UserError, match='--name'):
        ship_model.ship(describe(model), '../x', '', folder)
    assert not folder.exists()


def test_too_large_or_too_coarse_leaves_nothing_behind(model, folder, monkeypatch):
    monkeypatch.setattr(ship_model, 'MAX_BYTES', 100)
    with pytest.raises(UserError, match='add --half'):
        ship_model.ship(describe(model), 'small', '', folder)
    monkeypatch.setattr(ship_model, 'MAX_BYTES', 10**7)
    monkeypatch.setattr(ship_model, 'HALF_TOLERANCE', -1)
    with pytest.raises(UserError, match='leave --half out'):
        ship_model.ship(describe(model), 'small', '', folder, half=True)
    assert not list(folder.iterdir())


def test_the_config_has_to_be_committed(tmp_path, monkeypatch):
    def git(*words):
        subprocess.run(['git', '-C', str(tmp_path), '-c', 'user.name=t', '-c', 'user.email=t@t',
                        *words], check=True, capture_output=True)

    config = tmp_path / 'x.py'
    config.write_text('a = 1')
    git('init')
    with pytest.raises(UserError, match='not committed'):
        ship_model.committed(str(config))
    git('add', 'x.py')
    git('commit', '-m', 'x')
    assert len(ship_model.committed(str(config))) == 40
    config.write_text('a = 2')
    with pytest.raises(UserError, match='not committed as it is'):
        ship_model.committed(str(config))
    with pytest.raises(UserError, match='no such file'):
        ship_model.committed(str(tmp_path / 'none.py'))
    with monkeypatch.context() as other:
        other.setenv('GIT_TEST_ASSUME_DIFFERENT_OWNER', '1')  # as a folder mounted from outside
        with pytest.raises(UserError, match=f'safe.directory {tmp_path}, or add --commit'):
            ship_model.committed(str(config))
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(UserError, match='without git here, add --commit'):
        ship_model.committed(str(config))


def test_a_model_of_that_name_is_not_replaced_unasked(model, folder, monkeypatch, capsys):
    monkeypatch.setattr(ship_model, 'WEIGHTS', folder)
    folder.mkdir()
    (folder / 'small.safetensors').write_bytes(b'the former one')
    command = [str(model), '--name', 'small', '--command', 'python tools/train.py x',
               '--commit', 'abc', '--no-onnx']
    assert ship_model.main(command) == 2
    assert 'small.safetensors exists' in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ['small.safetensors']
    assert (folder / 'small.safetensors').read_bytes() == b'the former one'
    monkeypatch.setattr(ship_model, 'ship', lambda *_, **__: [])
    assert ship_model.main([*command, '--force']) == 0
