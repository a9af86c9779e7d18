"""The data check: images of one part that are in another one, or twice in one."""
import shutil

import cv2
import pytest

from ssfer_mm.apis.dataset.check_data import check_data
from ssfer_mm.audit.duplicates import find_near_copies
from support.checked_data import CLASSES, labeled
from support.photos import recropped


def test_exact_copy_of_a_test_image_among_the_labeled_is_an_error(check, root):
    name = labeled(root).labeled[0]
    shutil.copy(root / 'test/sadness/0.png', root / name)
    found, checked = check()
    finding = found.pop(('error', 'exact copy', 'labeled, test'))
    assert finding.names == [f'{name} = test/sadness/0.png'] and checked.status() == 1
    assert found == {}


def test_near_and_unlabeled_copies_are_warnings(check, root):
    test = cv2.imread(str(root / 'test/neutral/1.png'))
    cv2.imwrite(str(root / labeled(root).labeled[0]), recropped(test, 1, 0)[:, ::-1])
    shutil.copy(root / 'test/neutral/0.png', root / 'more/0.png')
    found, checked = check()
    near = found.pop(('warning', 'near copy', 'labeled, test'))
    assert 'mirrored' in near.names[0] and checked.status() == 0 and checked.status(True) == 1
    assert found.pop(('warning', 'exact copy', 'extra unlabeled, test')).count == 1
    assert found == {}
    assert [(pair.kind, pair.mirrored) for pair in checked.pairs] == [('near', True),
                                                                      ('exact', False)]


@pytest.mark.parametrize('fast', [False, True])
def test_overlap_by_id_is_an_error_even_without_reading_images(check, fast):
    found, checked = check(test='train', fast=fast)
    assert found[('error', 'same image', 'labeled, test')].count == 6
    assert found[('error', 'same image', 'unlabeled, test')].count == 6
    assert checked.status() == 1


def test_overlap_by_file_under_other_ids(check, root):
    shutil.rmtree(root / 'more')
    (root / 'more').symlink_to(root / 'test')
    found, _ = check(fast=True)
    assert found[('error', 'same image', 'extra unlabeled, test')].count == 6


@pytest.mark.parametrize('allowed, severity', [
    ((), 'error'), ((False, ), 'error'), ((True, ), 'warning'), ((False, True), 'warning')])
def test_transductive_runs_say_so(check, root, allowed, severity):
    """In one of the hooks, as in training: the shipped configs have a strict one."""
    shutil.rmtree(root / 'more')
    (root / 'more').symlink_to(root / 'test')
    hooks = [dict(type='HeldOutHook', allow_unlabeled=each) for each in allowed]
    found, checked = check(fast=True, more=f'custom_hooks = {hooks}')
    (key, finding), = found.items()
    assert key == (severity, 'same image', 'extra unlabeled, test')
    assert ('refuses' in finding.text) == bool(checked.status()) == (severity == 'error')


def test_training_with_labels_alone_does_not_refuse(config, root, tmp_path):
    """Only ``SemiSupervisedDataset`` is compared with the test set."""
    path = tmp_path / 'plain.py'
    path.write_text(''.join(
        f"{loader}_dataloader = dict(dataset=dict(type='ClassFolders', data_root={str(root)!r}, "
        f"subset='train', classes={CLASSES!r}))\n" for loader in ('train', 'test')))
    checked = check_data([str(path)], fast=True, workers=1)
    finding, = checked.findings
    assert (finding.kind, finding.part, checked.status()) == ('same image', 'labeled, test', 1)
    assert 'learned by heart' in finding.text and 'refuses' not in finding.text


def test_wrapped_data_are_looked_into(check):
    found, checked = check(test='train', fast=True, more=(
        "test_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[\n"
        "    val_dataloader['dataset'],\n"
        "    dict(type='RepeatDataset', times=2, dataset=val_dataloader['dataset'])]))"))
    assert [part.name for part in checked.parts] == [
        'labeled', 'unlabeled', 'extra unlabeled', 'validation', 'test', 'test 2']
    assert set(found) == {('error', 'same image', f'{own}, {other}')
                          for own in ('labeled', 'unlabeled')
                          for other in ('validation', 'test', 'test 2')}


def test_copies_inside_a_part_with_different_labels(check, root):
    shutil.copy(root / 'test/neutral/0.png', root / 'test/sadness/1.png')
    found, _ = check()
    assert 'neutral, sadness' in found[('warning', 'contradictory labels', 'test')].names[0]
    assert found[('note', 'exact copy', 'test')].count == 1 and len(found) == 2


def test_drawn_faces_that_look_alike_are_no_copies(tmp_path):
    path = tmp_path / 'drawn.py'
    path.write_text(''.join(
        f"{loader}_dataloader = dict(dataset=dict(type='SynthFER', subset='{subset}', "
        "num_images=150, cache_dir=None))\n"
        for loader, subset in (('train', 'train'), ('test', 'test'))))
    checked = check_data([str(path)], workers=1)
    assert find_near_copies([facts for part in checked.parts for facts in part.facts])
    assert checked.pairs == [] and checked.findings == []
