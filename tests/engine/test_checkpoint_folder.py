"""Checkpoints on a disk that fails, in files that rot, after kills at the worst moment."""
import errno
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub

from ssfer_mm import UserError
from ssfer_mm.apis.training import launch
from ssfer_mm.engine import CheckpointFolder, SafeCheckpointHook
from ssfer_mm.files import fingerprint
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.safe_loading import load_checkpoint_safely
from support.models import ssfer
from support.runs import config, train

LAST_OF_II, LAST_OF_III = 'epoch_2.pth', 'epoch_4.pth'


def run_config(work_dir, **options):
    every = options.pop('checkpoint', dict(interval=1))
    hooks = dict(checkpoint=dict(every, type='SafeCheckpointHook'),
                 exact_resume=dict(type='ExactResumeHook'))
    return config(work_dir, default_hooks=hooks, **options)


def write(folder, name, value=0, kind='periodic', **facts):
    torch.save(dict(state_dict={}, meta=dict(value=value)), folder.path(folder.part(name)))
    folder.adopt(name, kind, facts)


@pytest.fixture()
def folder(tmp_path):
    folder = CheckpointFolder(str(tmp_path))
    for number in (1, 2, 3):
        write(folder, f'epoch_{number}.pth', number, epoch=number)
    return folder


def names(folder, pattern='*.pth*'):
    return sorted(path.name for path in Path(folder.folder).glob(pattern))


def damage(path):
    """Flip one bit in the middle."""
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    Path(path).write_bytes(content)


def long_ago(folder):
    for path in Path(folder).glob('*.pth'):
        os.utime(path, (1e9, 1e9))


def test_the_newest_whole_one_is_found_and_damaged_ones_set_aside(folder):
    assert folder.newest_whole() == folder.path('epoch_3.pth')
    damage(folder.path('epoch_3.pth'))
    assert folder.newest_whole() == folder.path('epoch_2.pth')
    assert names(folder) == ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth.damaged']
    assert [entry['file'] for entry in folder.entries()] == ['epoch_1.pth', 'epoch_2.pth']
    damage(folder.path('epoch_2.pth'))
    damage(folder.path('epoch_1.pth'))
    with pytest.raises(UserError, match='nothing to resume from.*epoch_2.pth is damaged'):
        folder.newest_whole()


def test_an_empty_folder_has_none(tmp_path):
    assert CheckpointFolder(str(tmp_path)).newest_whole() is None
    assert CheckpointFolder(str(tmp_path / 'absent')).newest_whole() is None


def test_newest_is_what_was_written_last_not_the_highest_number(folder):
    """Someone went back to epoch 1 and continued differently from there."""
    write(folder, 'epoch_2.pth', 20)
    assert folder.newest_whole() == folder.path('epoch_2.pth')
    assert Path(folder.path('last_checkpoint')).read_text() == folder.path('epoch_2.pth')


@pytest.mark.parametrize('manifest', [
    None, '', '{"checkpoints": 3}', '{"checkpoints": [{}]}', '[' * 100_000],
    ids=['none', 'empty', 'number', 'no file', 'deep'])
def test_a_folder_without_a_usable_list(folder, manifest):
    """Older runs have none; then files are judged by reading them."""
    path = Path(folder.path('checkpoints.json'))
    path.unlink() if manifest is None else path.write_text(manifest)
    assert folder.newest_whole() == folder.path('epoch_3.pth')
    content = Path(folder.path('epoch_3.pth')).read_bytes()
    Path(folder.path('epoch_3.pth')).write_bytes(content[:-100])
    assert folder.newest_whole() == folder.path('epoch_2.pth')


@pytest.mark.parametrize('name', ['../secret', '..', '', 'epoch\0.pth'])
def test_a_list_cannot_name_files_elsewhere(folder, name):
    path = Path(folder.path('checkpoints.json'))
    data = json.loads(path.read_text())
    data['checkpoints'].insert(0, dict(file=name, sha256='', kind='periodic'))
    path.write_text(json.dumps(data))
    assert [entry['file'] for entry in folder.entries()] == [f'epoch_{i}.pth' for i in (1, 2, 3)]


def test_what_is_kept(folder):
    write(folder, 'best_accuracy.pth', kind='best')
    write(folder, 'epoch_4.pth', kind='stage end')
    write(folder, 'epoch_5.pth')
    write(folder, 'epoch_6.pth')
    folder.prune(1)
    assert names(folder) == ['best_accuracy.pth', 'epoch_4.pth', 'epoch_6.pth']
    assert folder.newest_whole() == folder.path('epoch_6.pth'), 'best has no optimizer'


def test_of_the_best_the_last_is_kept_and_mmengine_resumes_from_another(folder):
    for name in ('best_accuracy.pth', 'best_recall_joy.pth'):
        write(folder, name, kind='best')
    assert Path(folder.path('last_checkpoint')).read_text() == folder.path('epoch_3.pth')
    folder.prune(-1)
    assert names(folder) == ['best_recall_joy.pth', *(f'epoch_{i}.pth' for i in (1, 2, 3))]
    assert folder.newest_whole() == folder.path('epoch_3.pth')


def test_without_list_and_pointer_the_newest_checkpoint_is_the_youngest_file(folder):
    """Someone went back here, too, and what was exported since is not a checkpoint."""
    for name in ('checkpoints.json', 'last_checkpoint'):
        Path(folder.path(name)).unlink()
    Path(folder.path('classifier_semi.pth')).write_bytes(
        Path(folder.path('epoch_1.pth')).read_bytes())
    for second, name in enumerate(('epoch_3', 'epoch_1', 'epoch_2', 'classifier_semi')):
        os.utime(folder.path(f'{name}.pth'), (second, second))
    assert folder.newest_whole() == folder.path('epoch_2.pth')


def test_the_pointer_of_a_run_without_a_list_is_followed(folder, tmp_path_factory):
    """To another folder, or to this one under the name that it had before it was moved."""
    other = CheckpointFolder(str(tmp_path_factory.mktemp('other')))
    Path(other.path('last_checkpoint')).write_text(folder.path('epoch_2.pth'))
    assert other.newest_whole() == folder.path('epoch_2.pth')
    Path(folder.path('checkpoints.json')).unlink()
    Path(folder.path('last_checkpoint')).write_text('/moved/from/here/epoch_2.pth')
    assert folder.newest_whole() == folder.path('epoch_2.pth')


def test_a_damaged_pointer_is_of_no_use(folder):
    Path(folder.path('checkpoints.json')).unlink()
    Path(folder.path('last_checkpoint')).write_bytes(b'\xff\0')
    assert folder.newest_whole() == folder.path('epoch_3.pth')


def test_what_killed_processes_left_half_written_is_deleted_and_nothing_else(folder):
    before = set(os.listdir(folder.folder))
    left = ['.epoch_4.pth.part']
    for name in ('checkpoints.json', 'last_checkpoint', 'classifier_semi.pth', 'classifier.py',
                 'stages.json', 'split.json'):
        with pytest.raises(KeyboardInterrupt), atomic_write(folder.path(name)):
            left += {*os.listdir(folder.folder)} - before
            raise KeyboardInterrupt
    assert len(left) == 7
    mine = {'mine.pth.part', '.mine', '.split.json', '.notes.txt12345678'}
    for name in (*left, *mine):
        Path(folder.path(name)).touch()
    folder.clear_parts()
    assert set(os.listdir(folder.folder)) == before | mine


@pytest.mark.parametrize('rule, scores, saved', [
    ('greater', [50., 50., 40., 60.], [50., 60.]), ('less', [2., 2., 3., 1.], [2., 1.])])
def test_as_good_as_the_best_is_no_better(monkeypatch, rule, scores, saved):
    hook, kept = SafeCheckpointHook(save_best='figure', rule=rule), []
    monkeypatch.setattr(hook, '_save', lambda *_, score: kept.append(score))
    runner = SimpleNamespace(epoch=1, iter=1, message_hub=MessageHub(f'best {rule}'))
    for score in scores:
        hook.after_val_epoch(runner, dict(figure=score))
    assert kept == saved


def test_the_disk_has_a_checkpoint_before_its_name_says_so(folder, monkeypatch):
    steps, replace = [], os.replace

    def name_of(handle):
        names = ('.', *os.listdir(folder.folder))
        return next(name for name in names if os.path.samestat(
            os.fstat(handle), os.stat(folder.path(name))))

    monkeypatch.setattr(os, 'fsync', lambda handle: steps.append(f'sync {name_of(handle)}'))
    monkeypatch.setattr(os, 'replace', lambda old, new: replace(old, new) or steps.append(
        f'name {os.path.basename(new)}'))
    write(folder, 'epoch_4.pth')
    # Temporary names of the list and the pointer end at random.
    assert [re.sub(r'(?<=json|oint)\w{8}$', '', step) for step in steps] == [
        'sync .epoch_4.pth.part', 'name epoch_4.pth', 'sync .',
        'sync .checkpoints.json', 'name checkpoints.json', 'sync .',
        'sync .last_checkpoint', 'name last_checkpoint', 'sync .']


def test_a_link_that_leads_nowhere_is_no_checkpoint_and_no_traceback(tmp_path):
    (tmp_path / 'epoch_3.pth').symlink_to(tmp_path / 'gone' / 'epoch_3.pth')
    folder = CheckpointFolder(str(tmp_path))
    assert folder.newest() is None
    with pytest.raises(UserError, match='epoch_3.pth not found'):
        folder.newest_whole()
    torch.save(dict(state_dict={}), folder.path('epoch_2.pth'))
    assert folder.newest_whole() == folder.path('epoch_2.pth')


@pytest.mark.parametrize('listed', [True, False])
@pytest.mark.parametrize('error', [PermissionError(errno.EACCES, 'Permission denied'),
                                   OSError(errno.EIO, 'Input/output error')])
def test_what_cannot_be_read_is_not_called_damaged(folder, monkeypatch, listed, error):
    if not listed:
        os.unlink(folder.path('checkpoints.json'))

    def refused(path, *_, **__):
        if str(path).endswith('epoch_3.pth'):
            raise error
        return original(path, *_, **__)

    module, name = (fingerprint, 'sha256_of') if listed else (torch, 'load')
    original = getattr(module, name)
    monkeypatch.setattr(module, name, refused)
    assert folder.newest_whole() == folder.path('epoch_2.pth')
    assert names(folder) == ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth']
    monkeypatch.undo()
    assert folder.newest_whole() == folder.path('epoch_3.pth')


def test_whatever_is_listed_may_have_been_deleted(folder):
    Path(folder.path('epoch_1.pth')).unlink()
    folder.prune(1)
    assert [entry['file'] for entry in folder.entries()] == ['epoch_3.pth']
    Path(folder.path('epoch_3.pth')).unlink()
    with pytest.raises(UserError, match='epoch_3.pth not found. Begin anew without --resume'):
        folder.newest_whole()  # which last_checkpoint names
    Path(folder.path('last_checkpoint')).unlink()
    assert folder.newest_whole() is None


def test_a_checkpoint_is_listed_once(folder):
    before = folder.entries()
    folder.list_found('epoch_2.pth', 'periodic', {})
    assert folder.entries() == before
    Path(folder.path('epoch_4.pth')).write_bytes(Path(folder.path('epoch_1.pth')).read_bytes())
    folder.list_found('epoch_4.pth', 'stage end', dict(epoch=4))
    assert folder.entries()[-1] == dict(before[0], file='epoch_4.pth', kind='stage end', epoch=4)
    assert folder.newest_whole() == folder.path('epoch_4.pth')


def test_one_that_a_shortened_stage_ends_with_is_kept(folder):
    before = folder.entries()
    folder.list_found('epoch_1.pth', 'stage end', {})
    assert folder.entries() == [dict(before[0], kind='stage end'), *before[1:]]
    folder.list_found('epoch_1.pth', 'periodic', {})
    assert folder.entries()[0]['kind'] == 'stage end'


def test_killed_between_the_new_file_and_its_entry(folder, monkeypatch):
    """The former content's checksum must not condemn the new content."""
    replace = CheckpointFolder._list
    calls = []

    def killed(self, entries):
        calls.append(entries)
        if len(calls) == 2:
            raise KeyboardInterrupt
        replace(self, entries)

    monkeypatch.setattr(CheckpointFolder, '_list', killed)
    with pytest.raises(KeyboardInterrupt):
        write(folder, 'epoch_3.pth', 30)
    monkeypatch.undo()
    assert folder.newest_whole() == folder.path('epoch_2.pth'), 'the newest that is listed'
    assert names(folder) == ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth']
    assert CheckpointFolder._problem(folder, 'epoch_3.pth') is None


# ---- in a run ---------------------------------------------------------------------------------


@pytest.mark.parametrize('by_epoch, last, epochs', [
    (True, [LAST_OF_II, LAST_OF_III], (2, 4)),
    (False, ['iter_18.pth', 'iter_6.pth'], (1, 3))])  # before the epoch is counted
def test_stage_ends_and_the_newest_are_kept_and_listed(tmp_path, by_epoch, last, epochs):
    train(run_config(tmp_path, checkpoint=dict(by_epoch=by_epoch, interval=1, max_keep_ckpts=1)))
    folder = CheckpointFolder(str(tmp_path))
    assert names(folder, 'epoch_*') + names(folder, 'iter_*') == last
    assert [(e['epoch'], e['iter'], e['stage'], e['kind']) for e in folder.entries()] == [
        (epochs[0], 6, 'supervised', 'stage end'), (epochs[1], 18, 'semi', 'stage end')]
    assert names(folder, '.*.part') == []


@pytest.mark.parametrize('metric', ['accuracy', 'recall/joy'])
def test_the_best_is_kept_where_asked(tmp_path, metric):
    cfg = run_config(tmp_path, checkpoint=dict(interval=-1, save_best=metric))
    cfg.train_cfg.val_interval = cfg.train_cfg.supervised.epochs = 1
    cfg.train_cfg.semi.optim_wrapper.optimizer.lr = 0.  # so that stage III is no better
    train(cfg)
    entries = CheckpointFolder(str(tmp_path)).entries()
    best = next(entry for entry in entries if entry['kind'] == 'best')
    lines = [json.loads(line) for log in tmp_path.glob('*/vis_data/scalars.json')
             for line in log.read_text().splitlines()]
    assert (best['epoch'], best['stage']) == (1, 'supervised')
    assert best['score'] == pytest.approx(max(x[metric] for x in lines if metric in x))
    assert best['file'] == f'best_{metric.replace("/", "_")}.pth'
    assert not {'optimizer', 'param_schedulers'} & set(load_checkpoint_safely(
        tmp_path / best['file'])), 'its weights alone'


def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_it_used(tmp_path):
    train(run_config(tmp_path))
    expected = torch.load(tmp_path / LAST_OF_III, weights_only=False)['state_dict']
    damage(tmp_path / LAST_OF_III)
    run = train(run_config(tmp_path, resume=True))
    assert run.recorder.iterations[0]['iteration'] == 12, 'from epoch 3'
    assert (tmp_path / f'{LAST_OF_III}.damaged').is_file()
    again = torch.load(tmp_path / LAST_OF_III, weights_only=False)['state_dict']
    assert all(torch.equal(again[name], value) for name, value in expected.items())


def test_a_damaged_checkpoint_is_refused_also_where_it_is_named(tmp_path, monkeypatch):
    """It reads like any other: a flipped bit in a weight is another weight."""
    train(run_config(tmp_path / 'run'))
    named = tmp_path / 'run' / LAST_OF_III
    values = torch.load(named, weights_only=False)['state_dict']['student.backbone.cls_token']
    content = bytearray(named.read_bytes())
    at = content.find(values.numpy().tobytes())
    content[at + 3] ^= 0x40
    named.write_bytes(content)
    torch.load(named, weights_only=False)
    (tmp_path / 'config.py').write_text(run_config(tmp_path / 'other').pretty_text)
    ways = dict(resume=dict(load_from=str(named), resume=True), start=dict(load_from=str(named)),
                pretrained=dict(model=ssfer(pretrained=str(named))))
    for way, options in ways.items():
        with pytest.raises(UserError, match=f'{LAST_OF_III} is damaged.*epoch_3.pth, the newest'):
            train(run_config(tmp_path / way, **options))
    with pytest.raises(UserError, match=f'{LAST_OF_III} is damaged.*epoch_3.pth, the newest'):
        launch.test(Config.fromfile(tmp_path / 'config.py'), str(named))
    assert named.is_file(), 'what the user names is left where it is'


def test_a_checkpoint_is_summed_once_by_the_run_that_resumes_it(tmp_path, monkeypatch):
    train(run_config(tmp_path))
    long_ago(tmp_path)
    summed = []
    monkeypatch.setattr(fingerprint, 'sha256_of',
                        lambda path: summed.append(path) or sha256_of(path))
    train(run_config(tmp_path, resume=True))
    assert [Path(path).name for path in summed] == [LAST_OF_III]


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_no_more(tmp_path, monkeypatch, number):
    """The second checkpoint fails after half its bytes; the first is still there, and resumes."""
    from mmengine.fileio import LocalBackend

    put = LocalBackend.put

    def fail_later(self, obj, filepath):
        if 'epoch_1' in str(filepath):
            return put(self, obj, filepath)
        Path(filepath).write_bytes(obj[:len(obj) // 2])
        raise OSError(number, 'no')

    monkeypatch.setattr(LocalBackend, 'put', fail_later)
    with pytest.raises(UserError, match='epoch_2.pth cannot be written .*--resume'):
        train(run_config(tmp_path))
    folder = CheckpointFolder(str(tmp_path))
    assert names(folder, 'epoch_*') == ['epoch_1.pth'] and names(folder, '.*.part') == []
    assert folder.newest_whole() == folder.path('epoch_1.pth')


def test_settings_that_cannot_be(tmp_path):
    with pytest.raises(UserError, match='greater'):
        SafeCheckpointHook(rule='more')
    with pytest.raises(UserError, match='name one metric, such as .*save_best=accuracy'):
        SafeCheckpointHook(save_best=['accuracy', 'mean_class_accuracy'])  # mmengine's takes these
    cfg = run_config(tmp_path, checkpoint=dict(save_best='auc'))
    with pytest.raises(UserError, match="'auc' is not among the metrics: .*accuracy"):
        train(cfg)
