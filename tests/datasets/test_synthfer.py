"""SynthFER as a dataset: ids, labels, boxes, and a cache that is never believed blindly."""
import multiprocessing

import numpy as np
import pytest

import ssfer_mm.datasets.synthfer as module
from ssfer_mm.datasets.synthfer import SynthFER
from ssfer_mm.errors import UserError
from ssfer_mm.synthfer import SynthFERGenerator

SMALL = dict(num_images=6, size=16)


@pytest.fixture
def drawn(monkeypatch):
    """Counts how often faces are drawn."""
    calls = []
    original = module.render_pool

    def counting(*args, **kwargs):
        calls.append(args)
        return original(*args, **kwargs)
    monkeypatch.setattr(module, 'render_pool', counting)
    return calls


def pictures(data):
    return np.stack([data.get_data_info(i)['img'] for i in range(len(data))])


def test_items_are_the_generators_faces_in_bgr():
    data = SynthFER('test', cache_dir=None, boxes='dataset', seed=4, **SMALL)
    assert len(data) == 6 and data.ids()[3] == 'test/000003'
    for i in range(6):
        face, item = SynthFERGenerator(4, 16).item('test', i), data[i]
        np.testing.assert_array_equal(item['img'][..., ::-1], face.image)
        np.testing.assert_allclose(item['face_box'], face.box, rtol=1e-5, atol=1e-5)
        assert item['gt_label'] == face.label
    assert data.metainfo['classes'][face.label] == face.expression


def test_no_boxes_unless_asked_for():
    assert np.isnan(SynthFER('train', cache_dir=None, **SMALL)[0]['face_box']).all()


def test_pretrain_faces_carry_no_label():
    data = SynthFER('pretrain', cache_dir=None, boxes='dataset', **SMALL)
    assert all('gt_label' not in data[i] for i in range(6))
    with pytest.raises(UserError, match='no labels'):
        data.labels()


def test_pretrain_feeds_the_ordinary_pipeline():
    data = SynthFER('pretrain', cache_dir=None, pipeline=[dict(type='LoadFace'),
                                                          dict(type='PackFace')], **SMALL)
    assert tuple(data[0]['inputs'].shape) == (3, 16, 16)


def test_cache_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    SynthFER(cache_dir='~/faces', **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ['faces']


def test_cache_is_a_file_like_any_other(tmp_path):
    SynthFER(cache_dir=str(tmp_path / 'new'), **SMALL)
    cache, = (tmp_path / 'new').iterdir()
    (tmp_path / 'other').touch()
    assert cache.stat().st_mode == (tmp_path / 'other').stat().st_mode, 'others may read it, too'


def test_cache_is_used_and_gives_the_same_pictures(tmp_path, drawn):
    first = SynthFER(cache_dir=str(tmp_path), **SMALL)
    second = SynthFER(cache_dir=str(tmp_path), **SMALL)
    assert len(drawn) == 1 and len(list(tmp_path.iterdir())) == 1
    np.testing.assert_array_equal(pictures(first), pictures(second))
    np.testing.assert_array_equal(first.labels(), second.labels())


@pytest.mark.parametrize('other', [dict(seed=1), dict(size=24), dict(num_images=5),
                                   dict(subset='test'), dict(difficulty=.5)])
def test_other_parameters_do_not_share_a_cache(tmp_path, drawn, other):
    SynthFER(cache_dir=str(tmp_path), **SMALL)
    SynthFER(cache_dir=str(tmp_path), **{**SMALL, **other})
    assert len(drawn) == 2 and len(list(tmp_path.iterdir())) == 2


def cut(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def scribble(path):
    data = bytearray(path.read_bytes())
    data[400:420] = bytes(20 * [7])
    path.write_bytes(bytes(data))


def swap_labels(path):
    with np.load(path) as data:
        parts = dict(data)
    parts['labels'] = (parts['labels'] + 1) % 8
    np.savez(path, **parts)


@pytest.mark.parametrize('damage', [cut, scribble, swap_labels, lambda p: p.write_bytes(b'')])
def test_damaged_cache_is_drawn_again_and_repaired(tmp_path, drawn, damage):
    sound = pictures(SynthFER(cache_dir=str(tmp_path), **SMALL))
    labels = SynthFER(cache_dir=str(tmp_path), **SMALL).labels()
    damage(next(tmp_path.iterdir()))
    again = SynthFER(cache_dir=str(tmp_path), **SMALL)
    assert len(drawn) == 2
    np.testing.assert_array_equal(pictures(again), sound)
    np.testing.assert_array_equal(again.labels(), labels)
    SynthFER(cache_dir=str(tmp_path), **SMALL)
    assert len(drawn) == 2


def test_cache_that_cannot_be_written_is_done_without(tmp_path, drawn, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, 'Permission denied')
    # root may write anywhere, so a read-only folder would prove nothing
    monkeypatch.setattr('tempfile.mkstemp', refuse)
    assert len(SynthFER(cache_dir=str(tmp_path), **SMALL)) == 6
    assert list(tmp_path.iterdir()) == []


def test_cache_folder_in_the_way_of_a_file_is_done_without(tmp_path):
    (tmp_path / 'file').write_text('not a folder')
    assert len(SynthFER(cache_dir=str(tmp_path / 'file' / 'cache'), **SMALL)) == 6


def _fill(barrier, sums, folder):
    barrier.wait()
    pool = module.cached_pool(SynthFERGenerator(0, 16), 'train', 6, folder)
    sums.put(int(pool.images.sum()))


def test_two_processes_fill_one_cache(tmp_path):
    fork = multiprocessing.get_context('fork')
    barrier, sums = fork.Barrier(2), fork.Queue()
    team = [fork.Process(target=_fill, args=(barrier, sums, str(tmp_path))) for _ in range(2)]
    for process in team:
        process.start()
    found = {sums.get(timeout=60) for _ in team}
    for process in team:
        process.join(60)
    assert [process.exitcode for process in team] == [0, 0]
    assert found == {int(pictures(SynthFER(cache_dir=str(tmp_path), **SMALL)).sum())}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize('wrong, words', [(dict(subset='val'), 'train'), (dict(size=3), '>= 16'),
                                          (dict(num_images=0), '>= 1')])
def test_wrong_arguments_say_what_is_right(wrong, words):
    with pytest.raises(UserError, match=words):
        SynthFER(cache_dir=None, **{**SMALL, **wrong})
