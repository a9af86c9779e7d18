"""Stored faces as training reads them: mixtures, damage, ranks, resume, and memory."""
import gc
import pickle
import sys
import warnings

import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate
from torch.utils.data import BatchSampler, DataLoader

from ssfer_mm.datasets import ShardSampler, StoredFaces
from ssfer_mm.datasets.sources import TarShards
from ssfer_mm.datasets.sources.archives import VERSION
from ssfer_mm.datasets.sources.index_file import write_index
from ssfer_mm.datasets.stored_faces import block_edges
from ssfer_mm.errors import UserError
from support import stores

PIPELINE = [dict(type='LoadFace'), dict(type='TrackedRandomResizedCrop', scale=16),
            dict(type='PackFace')]
COUNT = 20


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))


@pytest.fixture
def images():
    return [stores.jpeg(12 * number) for number in range(COUNT)]


def tars(tmp_path, images, name='tars', **more):
    return dict(type='TarShards', path=str(stores.write_tars(tmp_path / name, images)), **more)


def grey(item):
    """The number of the image that an item shows."""
    return round(item['inputs'].float().mean().item() / 12)


def pairs(sampler):
    return [(int(index), index.seed) for index in sampler]


def test_items_are_those_of_the_stores(tmp_path, images):
    rec = stores.write_rec(tmp_path / 'train.rec', images)
    faces = StoredFaces([tars(tmp_path, images), dict(type='RecordIO', path=str(rec))], PIPELINE)
    assert faces.source_sizes == [COUNT, COUNT]
    assert [grey(faces[index]) for index in range(2 * COUNT)] == 2 * list(range(COUNT))
    sample = faces[COUNT]['data_samples']
    assert sample.sample_id == 'train.rec/1' and 'unreadable' not in sample


@pytest.mark.parametrize('order', ['images', 'shards'])
@pytest.mark.parametrize('start', [
    'fork', None, pytest.param('spawn', marks=pytest.mark.slow)])
def test_workers_change_nothing(tmp_path, images, order, start):
    faces = StoredFaces([tars(tmp_path, images)], PIPELINE)
    sampler = ShardSampler(faces, order, block=3, buffer=8, seed=4)
    loader = DataLoader(faces, batch_sampler=BatchSampler(sampler, 5, False),
                        num_workers=2 if start else 0, collate_fn=default_collate,
                        multiprocessing_context=start)
    if start == 'spawn' and order == 'shards':
        pytest.skip('once is enough: a spawned worker imports everything')
    found = torch.cat([torch.stack(batch['inputs']) if isinstance(batch['inputs'], list)
                       else batch['inputs'] for batch in loader])
    assert torch.equal(found, torch.stack([faces[index]['inputs'] for index in sampler]))


@pytest.mark.parametrize('order', ['images', 'shards'])
def test_an_epoch_goes_on_exactly_where_it_was_left(tmp_path, images, order):
    faces = StoredFaces([tars(tmp_path, images)])
    sampler = ShardSampler(faces, order, block=3, buffer=8, seed=4)
    sampler.set_epoch(3)
    whole = pairs(sampler)
    assert sorted(index for index, _ in whole) == list(range(COUNT))
    for done in (1, 8, 19, 20):
        sampler.skip(done)
        assert pairs(sampler) == whole[done:]
    sampler.set_epoch(4)
    assert pairs(sampler) != whole and len(pairs(sampler)) == COUNT
    assert not {seed for _, seed in pairs(sampler)} & {seed for _, seed in whole}
    sampler.set_epoch(3)
    sampler.seed = 5
    assert pairs(sampler) != whole, 'a resumed run brings its seed'


@pytest.mark.parametrize('order', ['images', 'shards'])
@pytest.mark.parametrize('world, buffer', [(2, 4), (3, 4), (8, 4), (2, 100)])
def test_ranks_read_disjoint_parts(tmp_path, images, monkeypatch, order, world, buffer):
    faces = StoredFaces([tars(tmp_path, images)])
    edges, shares = block_edges(faces.source.sources[0], 2), []
    for rank in range(world):
        monkeypatch.setattr('ssfer_mm.datasets.shard_sampler.get_dist_info',
                            lambda rank=rank: (rank, world))
        shares.append(pairs(ShardSampler(faces, order, block=2, buffer=buffer, seed=0)))
    assert {len(share) for share in shares} == {-(-COUNT // world)}
    every = [pair for share in shares for pair in share]
    assert {index for index, _ in every} == set(range(COUNT))
    assert len({seed for _, seed in every}) == len(every)
    indices = [{index for index, _ in share} for share in shares]
    twice = sum(len(one & other) for i, one in enumerate(indices) for other in indices[:i])
    assert twice <= len(every) - COUNT, 'only what rounding up repeats'
    if order == 'shards':
        blocks = [{int(np.searchsorted(edges, index, 'right')) for index, _ in share}
                  for share in shares]
        common = sum(len(a & b) for i, a in enumerate(blocks) for b in blocks[:i])
        assert common < world, 'at most the block at each border'


def test_a_buffer_of_many_blocks_parts_neighbors(tmp_path, images):
    faces = StoredFaces([tars(tmp_path, images)])
    sampler = ShardSampler(faces, 'shards', block=5, buffer=COUNT, seed=0)
    blocks = np.array([index for index, _ in pairs(sampler)]).reshape(-1, 5) // 5
    assert all(len(set(five)) > 1 for five in blocks.tolist())


@pytest.mark.parametrize('order', ['images', 'shards'])
def test_a_rank_without_a_part_of_its_own_reads_an_image_too(tmp_path, images, monkeypatch, order):
    monkeypatch.setattr('ssfer_mm.datasets.shard_sampler.get_dist_info', lambda: (0, 3))
    sampler = ShardSampler(StoredFaces([tars(tmp_path, images)]), order, length=2, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert len(pairs(sampler)) == len(sampler) == 1


def test_weights_decide_the_mixture(tmp_path, images):
    faces = StoredFaces([tars(tmp_path, images, weight=3), tars(tmp_path, images, 'b', weight=1)])
    found = [index for index, _ in pairs(ShardSampler(faces, length=16, seed=0))]
    assert len(found) == 16 and sum(index >= COUNT for index in found) == 4


def test_a_damaged_image_gives_its_place_to_the_next_and_its_name_to_the_batch(tmp_path, images):
    spoilt = [*images]
    spoilt[4], spoilt[19] = b'\xff\xd8\xff broken', images[19][:200]
    faces = StoredFaces([tars(tmp_path, spoilt)], PIPELINE, max_unreadable=1)
    assert [grey(faces[index]) for index in (3, 4, 19)] == [3, 5, 0]
    assert faces[4]['data_samples'].unreadable == ('tars/set-0000.tar/000004.jpg',)
    assert 'unreadable' not in faces[5]['data_samples']
    assert (faces.tally.read, faces.tally.failed) == (5, 3)
    with pytest.raises(UserError, match='000004.jpg'):
        StoredFaces([tars(tmp_path, spoilt)], PIPELINE, on_unreadable='error')[4]


def test_too_many_damaged_images_stop(tmp_path, images):
    spoilt = [b'no image' if number % 4 == 0 else data for number, data in enumerate(images)]
    faces = StoredFaces([tars(tmp_path, spoilt)], PIPELINE, max_unreadable=0.1)
    with pytest.raises(UserError, match='of 1.. images read from .* more than max_unreadable=0.1'):
        for index in range(200):
            faces[index % COUNT]
    none = StoredFaces([tars(tmp_path, [b'x'] * 5, 'none')], PIPELINE)
    with pytest.raises(UserError, match='none of the 5 images'):
        none[0]


@pytest.mark.parametrize('arguments, says', [
    (dict(sources=[]), 'give a list'),
    (dict(sources='{t}'), 'give a list'),
    (dict(sources=['{t}']), 'give a list'),
    (dict(sources=dict(type='TarShards', path='{t}')), 'give a list'),
    (dict(sources=[dict(type='TarShards', path='{t}', weight=1), dict(type='TarShards',
                                                                      path='{t}')]), 'weights are'),
    (dict(sources=[dict(type='TarShards', path='{t}', weight=-1)]), 'got -1'),
    (dict(sources=[dict(type='TarShards', path='{t}', weight=True)]), 'got True'),
    (dict(sources=[dict(type='TarShards', path='{t}', weight=float('inf'))]), 'got inf'),
    (dict(sources=[dict(type='TarShards', path='{t}')], max_unreadable=2),
     'max_unreadable must be')])
def test_what_is_wrong_is_said(tmp_path, images, arguments, says):
    path = tars(tmp_path, images)['path']

    def filled(given):
        if isinstance(given, list):
            return [filled(each) for each in given]
        if isinstance(given, dict):
            return {key: filled(each) for key, each in given.items()}
        return path if given == '{t}' else given

    with pytest.raises(UserError, match=says):
        StoredFaces(**filled(arguments))
    with pytest.raises(UserError, match="order is 'file'"):
        ShardSampler(StoredFaces([tars(tmp_path, images)]), order='file')


@pytest.mark.parametrize('setting', ['block', 'buffer', 'length'])
def test_a_sampler_of_nothing_is_refused(tmp_path, images, setting):
    with pytest.raises(UserError, match=f'{setting} must be a whole number >= 1'):
        ShardSampler(StoredFaces([tars(tmp_path, images)]), **{setting: 0})


def test_a_sampler_of_other_data_names_the_one_for_them():
    with pytest.raises(UserError, match='not for list; use SeededSampler'):
        ShardSampler([1, 2])


def generated(tmp_path, count, shards=10):
    """An index of images that are not there: shards of the right size, without a byte on disk."""
    root = tmp_path / 'shards'
    root.mkdir()
    each = count // shards
    offsets = 512 + np.arange(each, dtype=np.uint32) * 4096
    files = [root / f'faces-{number:06d}.tar' for number in range(shards)]
    for file in files:
        with open(file, 'wb') as sparse:
            sparse.truncate(4096 * (each + 1))
    facts = dict(kind='TarShards', version=VERSION,
                 files=[[file.name, file.stat().st_size] for file in files])
    write_index(str(root / 'faces.index'), facts, dict(
        offset=np.tile(offsets, shards), length=np.full(count, 3000, np.uint32),
        starts=np.arange(shards + 1, dtype=np.int64) * each,
        names=np.tile(np.frombuffer(b'000000000.jpg', np.uint8), count),
        name_ends=(np.arange(count, dtype=np.uint32) + 1) * 13))
    return dict(type='TarShards', path=str(root))


def test_nothing_is_held_per_image(tmp_path, monkeypatch):
    monkeypatch.setattr(TarShards, 'is_header', lambda *_: True)  # they hold nothing but zeros
    cfg = generated(tmp_path, 300_000)
    gc.collect()
    before, blocks = len(gc.get_objects()), sys.getallocatedblocks()
    faces = StoredFaces([cfg])
    samplers = [ShardSampler(faces, order, seed=0) for order in ('images', 'shards')]
    iterators = [iter(sampler) for sampler in samplers]
    taken = [[next(iterator) for _ in range(10)] for iterator in iterators]
    assert len(faces) == 300_000 and all(len(own) == 10 for own in taken)
    # An iterator holds one piece of 4,096 positions as Python numbers, per order.
    assert len(gc.get_objects()) - before < 2000
    assert sys.getallocatedblocks() - blocks < 40_000
    assert len(pickle.dumps(faces)) < 20_000, 'what a spawned worker is sent'
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert faces.source.read(299_999) == bytes(3000)
