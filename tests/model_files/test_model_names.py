"""Names of models, and what is said where there is no such name."""
import json

import pytest

from ssfer_mm import UserError
from ssfer_mm.model_files import model_names
from ssfer_mm.model_files.model_names import find_model, known_models


@pytest.fixture(autouse=True)
def nothing_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(model_names, 'WEIGHTS', tmp_path / 'weights')


def make(root, *files):
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'')
    return str(root)


def test_a_run_stands_for_its_last_stage(tmp_path):
    runs = make(tmp_path / 'w', 'rafdb/classifier.py', 'rafdb/classifier_supervised.pth',
                'rafdb/classifier_semi.pth', 'rafdb/epoch_3.pth', 'lost/classifier_semi.pth')
    assert [model.name for model in known_models(runs)] == ['rafdb/semi', 'rafdb/supervised']
    assert find_model(None, 'torch', runs).name == 'rafdb/semi'
    assert find_model('rafdb', 'torch', runs).path.name == 'classifier_semi.pth'
    assert find_model(f'{runs}/lost', 'torch', runs).path.name == 'classifier_semi.pth'
    assert find_model('rafdb/supervised', 'torch', runs).path.name == 'classifier_supervised.pth'


def test_a_run_of_all_stages_stands_for_its_last_stage(tmp_path):
    runs = make(tmp_path / 'w', 'mine/ssfer/classifier.py', 'mine/ssfer/classifier_supervised.pth',
                'mine/ssfer/classifier_semi.pth', 'mine/stage1/epoch_3.pth')
    for name in ('mine', f'{runs}/mine', f'{runs}/mine/', 'mine/ssfer', 'mine/ssfer/semi'):
        found = find_model(name, 'torch', runs)
        assert found.path == tmp_path / 'w/mine/ssfer/classifier_semi.pth', name
    assert find_model(f'{runs}/mine', 'torch', str(tmp_path / 'none')).name == 'mine'
    (tmp_path / 'w/mine/ssfer/classifier_semi.pth').unlink()
    assert find_model(f'{runs}/mine', 'torch', runs).path.name == 'classifier_supervised.pth'


def test_a_run_stands_for_its_exported_model_too(tmp_path):
    runs = make(tmp_path / 'w', 'mine/ssfer/classifier.py', 'mine/ssfer/classifier_semi.pth')
    result = f'{runs}/mine/ssfer/classifier_semi'
    with pytest.raises(UserError, match=f'run: python tools/export.py {result}.pth {result}.onnx'):
        find_model(f'{runs}/mine', 'onnx', runs)
    make(tmp_path / 'w', 'mine/ssfer/classifier_semi.onnx')
    assert str(find_model(f'{runs}/mine', 'onnx', runs).path) == f'{result}.onnx'
    assert str(find_model(f'{runs}/mine', 'torch', runs).path) == f'{result}.pth'


@pytest.mark.parametrize('name', ['mine', 'mine/semi'])
def test_a_name_stands_for_the_exported_model_too(tmp_path, name):
    runs = make(tmp_path / 'w', 'mine/classifier.py', 'mine/classifier_semi.pth')
    result = f'{runs}/mine/classifier_semi'
    with pytest.raises(UserError, match=f'run: python tools/export.py {result}.pth {result}.onnx'):
        find_model(name, 'onnx', runs)
    make(tmp_path / 'w', 'mine/classifier_semi.onnx')
    found = find_model(name, 'onnx', runs)
    assert (found.name, str(found.path)) == ('mine/classifier_semi.onnx', f'{result}.onnx')
    assert find_model(name, 'torch', runs).name == 'mine/semi'
    with pytest.raises(UserError, match='for an .onnx file use --backend onnx'):
        find_model('mine/classifier_semi.onnx', 'torch', runs)


@pytest.mark.parametrize('ending', ['pth', 'safetensors'])
def test_a_converted_model_has_the_name_of_its_folder(tmp_path, ending):
    runs = make(tmp_path / 'w', 'conv/classifier.py', f'conv/classifier.{ending}')
    model, = known_models(runs)
    assert model.about == ('converted here, safetensors' if ending == 'safetensors' else
                           'converted here')
    for name in ('conv', f'{runs}/conv', model.name):
        assert find_model(name, 'torch', runs) == model
    with pytest.raises(UserError, match='not exported yet.* .*conv/classifier.onnx'):
        find_model('conv', 'onnx', runs)
    with pytest.raises(UserError, match='takes a file that ends in .onnx; write one with'):
        find_model(model.name, 'onnx', runs)


def test_what_was_typed_is_not_recommended(tmp_path):
    (tmp_path / 'weights').mkdir()
    (tmp_path / 'weights/models.json').write_text(json.dumps(
        {'small/semi': dict(file='small.pth', about='')}))
    with pytest.raises(UserError, match="'small'.*; closest: small/semi. All"):
        find_model('small', 'torch', str(tmp_path / 'w'))


def test_a_folder_without_a_classifier_is_named_as_one(tmp_path):
    runs = make(tmp_path / 'w', 'mine/stage1/epoch_3.pth')
    with pytest.raises(UserError, match='folder of that name holds no classifier_STAGE.pth; '):
        find_model(f'{runs}/mine', 'torch', runs)
    with pytest.raises(UserError, match='and no such file exists; '):
        find_model(f'{runs}/none', 'torch', runs)


def test_shipped_models_come_first(tmp_path):
    (tmp_path / 'weights').mkdir()
    (tmp_path / 'weights/models.json').write_text(json.dumps(
        {'small': dict(file='small.safetensors', about='eight classes')}))
    found = find_model(None, 'torch', str(tmp_path / 'w'))
    assert (found.name, found.path) == ('small', tmp_path / 'weights/small.safetensors')


def test_the_default_of_the_package_is_taken_whatever_is_trained_here(tmp_path):
    runs = make(tmp_path / 'w', 'rafdb/classifier.py', 'rafdb/classifier_semi.pth')
    (tmp_path / 'weights').mkdir()
    (tmp_path / 'weights/models.json').write_text(json.dumps(dict(
        old=dict(file='old.safetensors', about=''),
        small=dict(file='small.safetensors', onnx='small.onnx', about='', default=True))))
    assert find_model(None, 'torch', runs).path.name == 'small.safetensors'
    assert find_model(None, 'onnx', runs).path.name == 'small.onnx'
    assert find_model('old', 'torch', runs).path.name == 'old.safetensors'
    assert find_model('small', 'onnx', runs).path.name == 'small.onnx'
    assert find_model('rafdb', 'torch', runs).name == 'rafdb/semi'


def test_unknown_names_and_too_many(tmp_path):
    runs = make(tmp_path / 'w', 'rafdb_5pct/classifier.py', 'rafdb_5pct/classifier_semi.pth',
                'ferplus/classifier.py', 'ferplus/classifier_semi.pth')
    with pytest.raises(UserError, match="'rafdb_5pc'.*closest: rafdb_5pct"):
        find_model('rafdb_5pc', 'torch', runs)
    with pytest.raises(UserError, match='several.*ferplus/semi, rafdb_5pct/semi'):
        find_model(None, 'torch', runs)
    with pytest.raises(UserError, match='none is found.*convert_checkpoint'):
        find_model(None, 'torch', str(tmp_path / 'none'))
    with pytest.raises(UserError, match='none is found.*tools/export.py'):
        find_model(None, 'onnx', runs)


def test_files_of_the_other_back_end(tmp_path):
    make(tmp_path, 'm.onnx', 'm.pth', 'm.pt2')
    with pytest.raises(UserError, match='for other programs: give what it was exported from'):
        find_model(str(tmp_path / 'm.pt2'), 'torch')
    with pytest.raises(UserError, match='--backend onnx'):
        find_model(str(tmp_path / 'm.onnx'), 'torch')
    with pytest.raises(UserError, match='tools/export.py'):
        find_model(str(tmp_path / 'm.pth'), 'onnx')
    assert find_model(str(tmp_path / 'm.onnx'), 'onnx').name == 'm'
