"""Shards that are not all there are not taken for the whole."""
import json

import pytest

from ssfer_mm.datasets.sources import TarShards
from ssfer_mm.errors import UserError
from support import stores

COUNT = 12


@pytest.fixture
def shards(tmp_path):
    stores.write_tars(tmp_path, [stores.jpeg(number) for number in range(COUNT)])

    def write(images=COUNT, **others):
        header = dict(format='ssfer-face-shards', version=1, images_per_shard=5, decoded=True,
                      images=images)
        lines = [dict(shard=f'set-000{k}.tar', images=5, bytes=1, sha256='') for k in range(3)]
        (tmp_path / 'manifest.jsonl').write_text(
            '\n'.join(map(json.dumps, [{**header, **others}, *lines])))
        return tmp_path
    return write


@pytest.mark.parametrize('files', ['', '*.tar'])
def test_unfinished_ones_are_refused_with_the_command(shards, files):
    folder = shards(images=None)
    with pytest.raises(UserError, match='not finished.*tools/pack_faces.py INPUT.*--out .*'
                       '--images-per-shard 5 --decode'):
        TarShards(folder / files)
    assert len(TarShards(folder / 'set-0000.tar')) == 5, 'the one that is named'
    assert len(TarShards(folder / 'set-{0000..0001}.tar')) == 10, 'those that are named'
    (folder / 'manifest.jsonl').unlink()
    assert len(TarShards(folder / files)) == COUNT, 'as the message says'


def test_a_pattern_of_the_folder_that_one_is_in(shards, monkeypatch):
    monkeypatch.chdir(shards(images=None))
    with pytest.raises(UserError, match=r"the shards in '\.' are not finished.*--out \. "):
        TarShards('*.tar')


def test_missing_ones_are_refused(shards):
    folder = shards()
    assert len(TarShards(folder)) == COUNT
    (folder / 'set-0001.tar').unlink()
    with pytest.raises(UserError, match='1 of the 3 shards .* missing, the first is set-0001.tar'):
        TarShards(folder)


def test_a_damaged_list_is_told(shards):
    folder = shards()
    with open(folder / 'manifest.jsonl', 'a') as file:
        file.write('\n{"shard":')
    with pytest.raises(UserError, match='is damaged'):
        TarShards(folder)


def test_manifests_of_others_say_nothing(shards):
    assert len(TarShards(shards(format='my-manifest', images=None))) == COUNT
