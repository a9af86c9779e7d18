"""Folders that make room for new ones."""
import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.files.set_aside import set_aside


def test_what_is_there_is_kept_under_new_names(tmp_path):
    for number in (1, 2):
        (tmp_path / 'run').mkdir()
        (tmp_path / 'run' / str(number)).touch()
        assert set_aside(tmp_path / 'run') == tmp_path / f'run.old{number}'
        assert not (tmp_path / 'run').exists()
    assert (tmp_path / 'run.old1/1').exists() and (tmp_path / 'run.old2/2').exists()


def test_a_folder_that_cannot_be_renamed(tmp_path, monkeypatch):
    def refuse(path, target):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(type(tmp_path), 'rename', refuse)
    with pytest.raises(UserError, match='cannot be set aside .Permission denied.; rename or rem'):
        set_aside(tmp_path)


@pytest.mark.parametrize('name', ['.', '..'])
def test_the_ground_one_stands_on_stays_where_it_is(tmp_path, monkeypatch, name):
    (tmp_path / 'run').mkdir()
    monkeypatch.chdir(tmp_path / 'run')
    with pytest.raises(UserError, match='cannot be set aside, because this command was started'):
        set_aside(name)
    assert (tmp_path / 'run').exists()
