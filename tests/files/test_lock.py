import threading

import pytest

from ssfer_mm.files.lock import locked, locked_beside, take_lock

pytest.importorskip('fcntl')


def test_file_is_locked_until_its_descriptor_is_closed(tmp_path):
    with locked(tmp_path / 'a'), pytest.raises(BlockingIOError):
        take_lock(tmp_path / 'a', wait=False)
    with locked(tmp_path / 'a', wait=False):
        pass


def test_folder_is_locked_like_a_file(tmp_path):
    with locked(tmp_path), pytest.raises(BlockingIOError):
        take_lock(tmp_path, wait=False)
    assert not list(tmp_path.iterdir())


def test_lock_beside_a_file_leaves_nothing(tmp_path):
    path = str(tmp_path / 'index')
    with locked_beside(path):
        with pytest.raises(BlockingIOError), locked_beside(path, wait=False):
            pass
    assert not list(tmp_path.iterdir())


def test_others_wait_for_their_turn(tmp_path):
    path, order = str(tmp_path / 'index'), []

    def second():
        with locked_beside(path):
            order.append('second')

    with locked_beside(path):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        order.append('first')
    other.join(10)
    assert order == ['first', 'second']
