"""What is listed beside a checkpoint against what is in it."""
import hashlib
import os
from pathlib import Path

import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.files import checkpoint_list, fingerprint
from ssfer_mm.files.checkpoint_list import check_listed, read_list, write_list


@pytest.fixture()
def run(tmp_path):
    """A folder with three checkpoints, a best one after them, and their list."""
    folder, entries = tmp_path / 'run', []
    folder.mkdir()
    for name in ('epoch_1', 'epoch_2', 'epoch_3', 'best_accuracy'):
        path = folder / f'{name}.pth'
        path.write_text(name)
        entries.append(dict(file=path.name, sha256=hashlib.sha256(name.encode()).hexdigest(),
                            kind='best' if name.startswith('best') else 'periodic'))
    write_list(folder, entries)
    return folder


def test_what_was_written_passes_and_what_is_in_no_list(run, tmp_path):
    check_listed(run / 'epoch_3.pth')
    (run / 'mine.pth').write_text('mine')
    (tmp_path / 'alone.pth').write_text('alone')
    for path in (run / 'mine.pth', tmp_path / 'alone.pth'):
        check_listed(path)


@pytest.mark.parametrize('damaged, named', [
    (['epoch_3'], 'epoch_2'), (['epoch_1'], 'epoch_3'), (['best_accuracy'], 'epoch_3'),
    (['epoch_3', 'epoch_2'], 'epoch_1')])
def test_a_damaged_one_is_named_and_the_newest_intact_one_beside_it(run, damaged, named):
    for name in damaged:
        (run / f'{name}.pth').write_text('Epoch')
    with pytest.raises(UserError) as caught:
        check_listed(run / f'{damaged[0]}.pth')
    said = str(caught.value)
    assert f'{run / damaged[0]}.pth is damaged: its content is not what was written' in said
    assert f'Name {run / named}.pth, the newest intact one beside it' in said and '\n' not in said


def test_where_none_is_intact_it_says_so(run):
    for path in run.glob('epoch_*.pth'):
        path.unlink() if path.name == 'epoch_2.pth' else path.write_text('')
    with pytest.raises(UserError, match='No intact one lies beside it: copy .* --resume'):
        check_listed(run / 'epoch_3.pth')


def test_links_are_judged_by_the_list_beside_them_and_beside_their_file(run, tmp_path):
    (tmp_path / 'stage1.pth').symlink_to(run / 'epoch_3.pth')
    (tmp_path / 'big').mkdir()
    os.replace(run / 'epoch_2.pth', tmp_path / 'big' / 'two.pth')
    (run / 'epoch_2.pth').symlink_to(tmp_path / 'big' / 'two.pth')
    for path in (tmp_path / 'stage1.pth', run / 'epoch_2.pth'):
        check_listed(path)
        path.write_text('damage')
        with pytest.raises(UserError, match='is damaged'):
            check_listed(path)


def test_a_name_without_a_folder(run, monkeypatch):
    monkeypatch.chdir(run)
    Path('epoch_1.pth').write_text('damage')
    with pytest.raises(UserError, match='^Checkpoint epoch_1.pth is damaged'):
        check_listed('epoch_1.pth')


def test_a_run_that_saves_a_new_best_one_meanwhile(run, monkeypatch):
    """The list was read before the new file had its name."""
    def slow(path):
        (run / 'best_accuracy.pth').write_text('better')
        write_list(run, read_list(run)[:-1])
        return fingerprint.sha256_of(path)

    monkeypatch.setattr(checkpoint_list, 'sha256_once', slow)
    check_listed(run / 'best_accuracy.pth')


def test_what_cannot_be_read_is_for_its_reader_to_report(run, monkeypatch):
    def refused(path):
        raise PermissionError

    monkeypatch.setattr(checkpoint_list, 'sha256_once', refused)
    check_listed(run / 'epoch_1.pth')
