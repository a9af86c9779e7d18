"""Pixels from memory are those of the file, and all workers share them."""
import copy
import os
import pickle

import cv2
import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

from ssfer_mm import UserError
from ssfer_mm.transforms import LoadFace
from ssfer_mm.transforms.decoded_cache import DecodedCache


@pytest.fixture()
def files(tmp_path):
    """Grey and colored images of several sizes."""
    draw, paths = np.random.default_rng(0), []
    for i, shape in enumerate([(8, 8), (6, 9, 3), (8, 8), (5, 4, 3)]):
        paths.append(str(tmp_path / f'{i}.png'))
        cv2.imwrite(paths[-1], draw.integers(0, 256, shape, dtype=np.uint8))
    return paths


def test_same_pixels_without_the_file(files):
    plain, cached = LoadFace(), LoadFace(cache_gb=1e-4)
    first = [plain(dict(img_path=path))['img'] for path in files]
    for path, expected in zip(files, first):
        assert np.array_equal(cached(dict(img_path=path))['img'], expected)
        os.remove(path)
    for path, expected in zip(files, first):
        again = cached(dict(img_path=path))['img']
        assert np.array_equal(again, expected) and again.shape[2] == 3
        again[:] = 0  # a transform may write into its image
        assert np.array_equal(cached(dict(img_path=path))['img'], expected)


def test_images_of_a_store_are_kept_by_what_is_in_them(files, monkeypatch):
    load, plain = LoadFace(cache_gb=1e-4), LoadFace()
    items = []
    for path in files:
        with open(path, 'rb') as file:
            # Two images of a tar may bear one name.
            items.append(dict(sample_id='tar/same.png', img_bytes=file.read()))
    expected = [plain(dict(item))['img'] for item in items]
    for _ in range(2):
        for item, img in zip(items, expected):
            results = load(dict(item))
            assert np.array_equal(results['img'], img) and 'img_bytes' not in results
        # The second time, there is nothing to decode.
        monkeypatch.setattr('ssfer_mm.transforms.loading.decode_image', None)
    assert len(load.cache) == len(files)


def test_what_cannot_be_decoded_is_named_every_time_and_not_kept():
    load = LoadFace(cache_gb=1e-4)
    for name in ('tar/1.png', 'tar/2.png'):
        with pytest.raises(UserError, match=name):
            load(dict(sample_id=name, img_bytes=b'damaged'))
    assert len(load.cache) == 0


def test_a_full_cache_decodes_the_rest(files):
    cache = DecodedCache(1e-6)  # room for 1,073 bytes
    image = np.random.default_rng(0).integers(0, 256, (10, 20, 3), dtype=np.uint8)
    cache.put('a', image)
    cache.put('b', image)
    assert np.array_equal(cache.get('a'), image) and cache.get('b') is None and len(cache) == 1


def test_keys_that_meet_in_the_table_are_told_apart_and_a_full_table_is_no_trap():
    cache = DecodedCache(4e-6)
    assert cache.entries == 6
    for i in range(8):
        cache.put(str(i), np.full((2, 2, 3), i, np.uint8))
    assert len(cache) == 5
    for i in range(8):
        found = cache.get(str(i))
        assert (found == i).all() if i < 5 else found is None


class Faces(Dataset):
    def __init__(self, files):
        self.load, self.files = LoadFace(cache_gb=1e-3), files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        self.load(dict(img_path=self.files[index]))
        return os.getpid()


def test_workers_share_what_they_decode(files):
    faces = Faces(files * 2)
    workers = {int(pid) for batch in DataLoader(faces, batch_size=1, num_workers=2,
                                                multiprocessing_context='fork') for pid in batch}
    assert len(workers) == 2 and os.getpid() not in workers
    assert len(faces.load.cache) == len(files), 'the main process sees the workers\' images'


def test_copies_and_spawned_processes_begin_empty(files):
    load = LoadFace(cache_gb=1e-3)
    load(dict(img_path=files[0]))
    for other in (copy.deepcopy(load), pickle.loads(pickle.dumps(load))):
        assert len(other.cache) == 0 and len(load.cache) == 1
        other(dict(img_path=files[1]))
        assert len(other.cache) == 1 == len(load.cache)


@pytest.mark.parametrize('size, words', [
    (-1, 'cache_gb must be a number >= 0'),
    (1e6, r'cache_gb=1e\+06 is more memory than this machine can reserve \(.*set it lower, or 0'),
    (1e12, 'cache_gb=1e.12 is more memory'),  # more than an address can say
])
def test_a_size_that_cannot_be_is_refused(size, words):
    with pytest.raises(UserError, match=words):
        LoadFace(cache_gb=size)


def test_a_cache_of_less_than_a_byte_holds_nothing(files):
    load = LoadFace(cache_gb=1e-12)
    load(dict(img_path=files[0]))
    assert len(load.cache) == 0
