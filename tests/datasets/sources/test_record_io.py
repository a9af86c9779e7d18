"""RecordIO against a writer that follows dmlc's description byte by byte."""
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssfer_mm.datasets.sources import RecordIO
from ssfer_mm.datasets.sources.record_io import record_data, scan
from ssfer_mm.errors import UserError
from support import stores

WORDS = st.lists(st.sampled_from([stores.RECORD_MAGIC, b'abcd', b'\0\0\0\0', b'xy']), max_size=8)


@settings(max_examples=200, deadline=None)
@given(WORDS)
def test_records_that_contain_the_magic_number(words):
    payload = b''.join(words)
    assert record_data(stores.frame_record(payload) + b'what follows') == payload


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_anything_else_is_a_value_error(data):
    for whole in (data, stores.RECORD_MAGIC + data):
        try:
            record_data(whole)
        except ValueError:
            pass


@pytest.mark.parametrize('header', [True, False])
@pytest.mark.parametrize('idx', [True, False])
def test_with_and_without_header_record_and_idx(tmp_path, header, idx):
    # The third image holds the magic number at every word.
    images = [stores.jpeg(9), stores.jpeg(99), stores.RECORD_MAGIC * 5, stores.jpeg(200)]
    source = RecordIO(stores.write_rec(tmp_path / 'train.rec', images, header, idx))
    assert [source.read(index) for index in range(len(source))] == images
    assert source.name(0) == ('1' if header else '0')
    assert RecordIO(tmp_path).path == str(tmp_path / 'train.rec'), 'the folder will do'


def test_a_cut_off_file_loses_its_last_image_only(tmp_path):
    images = [stores.jpeg(9), stores.jpeg(99)]
    path = stores.write_rec(tmp_path / 'train.rec', images, header=False)
    path.write_bytes(path.read_bytes()[:-50])
    source = RecordIO(path)
    assert source.read(0) == images[0]
    with pytest.raises(UserError, match='record 1 of .*train.rec is damaged .it is cut off'):
        source.read(1)


@pytest.mark.parametrize('text, says', [
    ('0\t0\n1\t999999\n', 'does not fit'), ('0\t0\n1\t0\n', 'does not fit'),
    ('0 0\nx 5\n', 'is not an .idx file'), ('0\t0\n1\n', '3 numbers'), ('', '0 numbers')])
def test_an_idx_that_does_not_fit(tmp_path, text, says):
    path = stores.write_rec(tmp_path / 'train.rec', [stores.jpeg(9)], header=False)
    path.with_suffix('.idx').write_text(text)
    with pytest.raises(UserError, match=says):
        RecordIO(path)


@pytest.mark.parametrize('images', [2**24 - 2, 2**24, 2**24 + 1, 2**24 + 2, 2**25 + 3])
def test_the_number_of_images_is_rounded_in_a_large_set(tmp_path, images):
    """Record 0 notes the first key after them as a float32. Here only a few of them exist."""
    path, keys = tmp_path / 'a.rec', [0, 1, *range(images - 3, images + 5)]
    end, lines = images + 1, []
    with open(path, 'wb') as file:
        for key in keys:
            lines.append(f'{key}\t{file.tell()}\n')
            labels = [end, end + 4] if key == 0 else [1, 1] if key >= end else [7]
            image = b'' if key == 0 or key >= end else stores.jpeg(key % 200)
            file.write(stores.frame_record(stores.pack_record(labels, key, image)))
    path.with_suffix('.idx').write_text(''.join(lines))
    source = RecordIO(str(path))
    assert [int(source.name(row)) for row in range(len(source))] == [
        key for key in keys if 1 <= key < end]


def test_damage_near_the_end_of_a_large_set_is_told(tmp_path):
    """Where record 0 notes a rounded number, the records near it are looked at."""
    end = 2**24 + 2
    records = [(0, stores.pack_record([end, end + 4], 0, b'')), (1, stores.pack_record(
        [7], 1, stores.jpeg(1))), (end - 1, b'short'), (end, stores.pack_record([1, 1], end, b''))]
    whole, lines = b'', []
    for key, payload in records:
        lines.append(f'{key}\t{len(whole)}\n')
        whole += stores.frame_record(payload)
    (tmp_path / 'a.rec').write_bytes(whole)
    (tmp_path / 'a.idx').write_text(''.join(lines))
    with pytest.raises(UserError, match=f'record {end - 1} of .*a.rec.* cannot be read .it is too '
                       'short for a header.*a.idx'):
        RecordIO(str(tmp_path / 'a.rec'))


def test_without_an_idx_none_is_blamed(tmp_path):
    path = tmp_path / 'a.rec'
    path.write_bytes(b'short')
    with pytest.raises(UserError, match='a.rec.* .5 bytes. is too short') as error:
        RecordIO(path)
    assert 'does not fit' not in str(error.value)
    path.write_bytes(stores.frame_record(b'short'))
    with pytest.raises(UserError, match='record 0 of .*copy it again') as error:
        RecordIO(path)
    assert '.idx' not in str(error.value)


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / 'train.rec').touch()
    with pytest.raises(UserError, match='train.rec.* is empty: copy it again'):
        RecordIO(tmp_path)


def test_a_hole_in_a_file_without_idx_is_placed(tmp_path):
    path = stores.write_rec(tmp_path / 'a.rec', [stores.jpeg(9)], header=False, idx=False)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + struct.pack('<II', 5, 5) + bytes(8))
    with pytest.raises(UserError, match=f'no record at byte {size}'):
        scan(str(path))
