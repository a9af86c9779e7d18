"""The data check: one damage at a time in a small dataset, and what it says about it."""
import json
import os
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.apis.dataset.check_data import check_data, main
from ssfer_mm.datasets import save_split
from support.checked_data import CLASSES, labeled
from support.photos import photo


def test_sound_data_have_no_findings(check):
    found, checked = check()
    assert found == {} and checked.status(strict=True) == 0
    assert {part.name: len(part) for part in checked.parts} == {
        'labeled': 6, 'unlabeled': 6, 'extra unlabeled': 3, 'test': 6}


def test_wrapped_data_of_stage_one(tmp_path, root):
    path = tmp_path / 'stage1.py'
    path.write_text("train_cfg = dict(by_epoch=True, max_epochs=1)\n"
                    "train_dataloader = dict(batch_size=6, drop_last=True, dataset=dict(\n"
                    "    type='RepeatDataset', times=2, dataset=dict(\n"
                    f"        type='UnlabeledFaces', data_root={str(root / 'more')!r})))\n")
    checked = check_data([str(path)], workers=1)
    assert [(part.name, len(part)) for part in checked.parts] == [('pre-training', 3)]
    assert checked.findings == []


def test_unreadable_images_are_errors_where_training_would_stop(check, root):
    for name in (labeled(root).labeled[0], 'test/neutral/0.png', 'more/1.png'):
        (root / name).write_bytes(b'damaged')
    found, checked = check()
    assert {key[::2] for key in found if key[1] == 'unreadable'} == {
        ('error', 'labeled'), ('error', 'test'), ('warning', 'extra unlabeled')}
    assert checked.status() == 1 and len(found) == 3


def test_modes_and_rotation(check, root):
    photos = [Image.fromarray(photo(50 + k, 48)[:, :40]) for k in range(4)]
    photos[0].convert('RGBA').save(root / 'test/neutral/0.png')
    photos[1].convert('L').save(root / 'test/neutral/1.png')
    photos[2].convert('CMYK').save(root / 'test/sadness/2.jpg')
    exif = Image.Exif()
    exif[0x112] = 6
    photos[3].save(root / 'test/sadness/3.jpg', exif=exif)
    found, _ = check()
    assert set(found) == {('warning', 'mode alpha', 'test'), ('note', 'mode grey', 'test'),
                          ('warning', 'mode CMYK', 'test'), ('note', 'EXIF rotation', 'test')}


def test_photos_that_are_not_read_are_named(check, root):
    (root / 'test/neutral/IMG_1.HEIC').write_bytes(b'any')
    found, checked = check()
    assert set(found) == {('warning', 'left out', 'test')} and checked.status() == 0
    assert 'IMG_1.HEIC' in str(checked.findings)


def test_images_beside_the_class_folders_are_named(check, root):
    for part in ('train', 'test'):
        cv2.imwrite(str(root / part / 'dropped.png'), photo(99, 48))
    found, checked = check()
    assert set(found) == {('warning', 'loose', 'labeled'), ('warning', 'loose', 'test')}
    finding = found['warning', 'loose', 'labeled']
    assert finding.names == [str(root / 'train/dropped.png')] and checked.status() == 0
    assert finding.text.startswith('1 ') and 'extra_unlabeled' in finding.advice


def test_class_without_labeled_image(check, root):
    shutil.rmtree(root / 'train/sadness')
    (root / 'train/sadness').mkdir()
    found, _ = check(split=None)
    assert found[('error', 'empty class', 'labeled')].names == ['sadness']
    found, _ = check()
    assert 'sadness' in found[('error', 'split', 'labeled')].text


@pytest.mark.parametrize('damage, kind', [('remove', 'split ids'), ('relabel', 'split ids'),
                                          ('add', 'split hash'), ('edit', 'split')])
def test_split_that_does_not_fit_any_more(check, root, tmp_path, damage, kind):
    split, file = labeled(root), tmp_path / 'split.json'
    save_split(split, str(file))
    name = split.labeled[0]
    if damage == 'remove':
        (root / name).unlink()
    elif damage == 'relabel':
        (root / name).rename(root / 'train/sadness/moved.png')
    elif damage == 'add':
        cv2.imwrite(str(root / 'train/sadness/new.png'), photo(99, 48))
    else:
        file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
    found, checked = check(split=str(file))
    assert ('error', kind, 'labeled') in found and checked.status() == 1


def test_recorded_split_of_another_seed(check, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_split(labeled(root), str(tmp_path / 'work_dirs/config/split.json'))
    assert check()[0] == {}
    found, _ = check(split=dict(fraction=0.5, seed=1))
    assert ('warning', 'recorded split', 'labeled') in found


def test_kept_split_in_the_home_folder(check, root, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    save_split(labeled(root), str(tmp_path / 'split.json'))
    found, _ = check(split=dict(fraction=0.25, seed=0, file='~/split.json'))
    assert 'has fraction=0.5' in found['error', 'split', 'labeled'].text


@pytest.mark.parametrize('loader, loop, wrong', [
    ('batch_size=4, drop_last=True', "type='ResumableTrainLoop'", True),
    ('batch_size=4, drop_last=True', 'by_epoch=True', True),
    ('batch_size=3, drop_last=True', "type='ResumableTrainLoop'", False),
    ('batch_size=4', "type='ResumableTrainLoop'", False),
    ('batch_size=4, drop_last=True', 'by_epoch=False', False),
], ids=['larger', "in mmengine's loop", 'as large', 'kept', 'iterations'])
def test_a_batch_larger_than_all_images_of_stage_one(tmp_path, root, loader, loop, wrong):
    path = tmp_path / 'stage1.py'
    path.write_text(f'train_dataloader = dict({loader}, dataset=dict(type="UnlabeledFaces", '
                    f'data_root={str(root / "more")!r}))\ntrain_cfg = dict({loop}, max_epochs=1)\n')
    checked = check_data([str(path)], fast=True, workers=1)
    assert [(f.severity, f.kind) for f in checked.findings] == [('error', 'batch')] * wrong
    assert all('--pretrain-options' in finding.advice for finding in checked.findings)


@pytest.mark.parametrize('batch, semi, setting', [
    (6, dict(epochs=1, labeled=6, unlabeled=9), None),
    (7, dict(epochs=1, labeled=6, unlabeled=9), 'train_dataloader.batch_size'),
    (6, dict(epochs=1, labeled=7, unlabeled=9), 'train_cfg.semi.labeled'),
    (6, dict(epochs=1, labeled=6, unlabeled=10), 'train_cfg.semi.unlabeled'),
    (6, dict(epochs=0, labeled=7, unlabeled=10), None),
    (6, None, None),
])
def test_batches_larger_than_their_data(check, batch, semi, setting):
    """Six of twelve images are labeled, and three more come without labels."""
    _, checked = check(fast=True, more=f'train_dataloader.update(batch_size={batch})\n'
                       f'train_cfg = dict(type="TwoStageTrainLoop", supervised=dict(epochs=1), '
                       f'semi={semi})')
    assert [(f.severity, f.kind) for f in checked.findings] == [('error', 'batch')] * bool(setting)
    assert all(f.advice.startswith(f'Lower {setting},') for f in checked.findings)


@pytest.mark.parametrize('outputs', [3, 8])
def test_a_model_of_another_number_of_classes(check, outputs):
    """With which training does not begin."""
    found, _ = check(fast=True, more=f'data_preprocessor = dict(num_classes={outputs})')
    assert set(found) == ({('error', 'classes', 'labeled')} if outputs == 8 else set())


def test_stores_are_not_called_sound(tmp_path):
    path = tmp_path / 'stores.py'
    path.write_text("train_dataloader = dict(dataset=dict(type='StoredFaces', sources=[]))")
    checked = check_data([str(path)], workers=1)
    assert [(f.severity, f.kind) for f in checked.findings] == [('warning', 'stores')]


@pytest.mark.parametrize('model, part', [('SparK', 'pre-training'), ('FaceMAE', 'pre-training'),
                                         ('ImageClassifier', 'labeled'), ('Unknown', 'labeled')])
def test_images_of_stage_one_are_not_called_labeled(tmp_path, root, model, part):
    """Drawn faces have labels that stage I does not see."""
    path = tmp_path / 'stage1.py'
    path.write_text(f"model = dict(type={model!r})\ntrain_dataloader = dict(dataset=dict("
                    f"type='ClassFolders', data_root={str(root)!r}, classes={CLASSES!r}))\n")
    checked, = check_data([str(path)], fast=True, workers=1).parts
    assert (checked.name, checked.role) == (part, part)
    assert (checked.labels is None) == (part == 'pre-training')


def test_missing_data_is_a_finding(check, root, tmp_path):
    shutil.rmtree(root / 'test')
    found, checked = check(boxes=str(tmp_path / 'none.jsonl'))
    assert set(found) == {('error', 'data', 'test'), ('error', 'boxes', 'labeled')}
    assert len(checked.parts) == 3 and checked.status() == 1


def test_command(config, root, tmp_path, capsys):
    cache, out, sheet = (str(tmp_path / name) for name in ('c.sqlite', 'out.json', 'sheet.png'))
    path = config()
    assert main([path, '--cache', cache, '--json', out, '--sheet', sheet, '--strict']) == 0
    assert 'sound. 0 errors' in capsys.readouterr().out
    assert json.loads(open(out).read())['sound'] and not (tmp_path / 'sheet.png').exists()
    shutil.copy(root / 'test/sadness/0.png', root / labeled(root).labeled[0])
    assert main([path, '--fast']) == 0  # which does not see the copy
    said = capsys.readouterr().out
    assert 'Training on these data is sound' not in said and 'found without --fast' in said
    assert main([path, '--cache', cache, '--json', out, '--sheet', sheet, '--workers', '2']) == 1
    assert 'pixel for pixel' in capsys.readouterr().out
    data = json.loads(open(out).read())
    assert not data['sound'] and data['copies'][0]['parts'] == ['labeled', 'test']
    assert np.asarray(Image.open(sheet)).std() > 5


def test_known_files_are_not_read_again(config, root, tmp_path, monkeypatch):
    from ssfer_mm.apis.dataset import look_at_images
    cache, path = str(tmp_path / 'c.sqlite'), config()
    first = check_data([path], cache=cache, workers=1)
    read = []
    monkeypatch.setattr(look_at_images, 'inspect', lambda image, *_: read.append(image) or real(
        image))
    real = __import__('ssfer_mm.audit.file_facts', fromlist=['inspect']).inspect
    cv2.imwrite(str(root / 'more/0.png'), photo(98, 48))
    second = check_data([path], cache=cache, workers=1)
    assert read == [str(root / 'more/0.png')]
    assert [part.facts[1:] for part in second.parts] == [part.facts[1:] for part in first.parts]


def test_names_that_are_not_utf8(config, root, tmp_path, capsys):
    names = [os.fsdecode(str(root).encode() + b'/test/sadness/caf' + end)
             for end in (b'\xe9.png', b'\xe8.png')]
    try:
        shutil.copy(root / 'test/sadness/0.png', names[0])
        with open(names[1], 'wb') as file:
            file.write(b'damaged')
    except OSError:
        pytest.skip('this file system takes UTF-8 only')
    out = tmp_path / 'out.json'
    for _ in range(2):
        assert main([config(), '--cache', str(tmp_path / 'c.sqlite'), '--json', str(out)]) == 1
        said = capsys.readouterr().out
        assert 'test/sadness/caf\\udce9.png' in said and 'test/sadness/caf\\udce8.png' in said
        assert 'caf' in str(json.loads(out.read_text())['copies'])


@pytest.mark.skipif(os.name == 'nt', reason='no such names there')
def test_names_with_line_breaks_stay_one_line(config, root, capsys):
    (root / 'train/sadness/bad\nnote      labeled: fine.png').write_bytes(b'damaged')
    assert main([config(split=None), '--no-cache', '--workers', '1']) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(r'train/sadness/bad\nnote      labeled: fine.png (' in line for line in lines)
    assert not any(line.startswith('note      labeled: fine') for line in lines)


@pytest.mark.parametrize('arguments, part', [
    (['none.py'], 'none.py'), (['CONFIG', '--workers', '0'], '--workers 0'),
    (['CONFIG', '--fast', '--sheet', 'a.png'], 'leave one out'),
    (['CONFIG', '--json', '/dev/null/a.json', '--no-cache'], '--json'),
    (['CONFIG', '--cfg-options', 'tset_dataloader.a=1'], 'closest')])
def test_users_mistakes(config, capsys, arguments, part):
    path = config()
    assert main([path if argument == 'CONFIG' else argument for argument in arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith('error: ') and part in error
