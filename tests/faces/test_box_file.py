"""Box files: what is written is read, what is broken is named."""
import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_file import FaceRecord, read_boxes, read_header, write_boxes

GOOD = ('{"image": "a/1.png", "width": 48, "height": 40, "boxes": [[1, 2, 30, 31.5]], '
        '"scores": [0.9]}')

number = st.floats(-1e5, 1e5, width=32)
a_box = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), number, number,
                  st.floats(0.25, 1e4, width=16), st.floats(0.25, 1e4, width=16)).filter(
                      lambda b: b[2] > b[0] and b[3] > b[1])
records_ = st.lists(
    st.builds(
        lambda image, boxes, scored, size, detector: FaceRecord(
            image, tuple(boxes), tuple(0.5 for _ in boxes) if scored else (), *size, detector),
        st.text(st.characters(), min_size=1), st.lists(a_box, max_size=3), st.booleans(),
        st.sampled_from([(None, None), (48, 64)]), st.text()),
    unique_by=lambda record: record.image,
    max_size=4)
in_tmp = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150,
                  deadline=None)


def write(path, *lines, end='\n'):
    path.write_text('\n'.join(lines) + end, encoding='utf-8')
    return path


@in_tmp
@given(records=records_)
def test_what_is_written_is_read(tmp_path, records):
    write_boxes(tmp_path / 'boxes.jsonl', records)
    assert list(read_boxes(tmp_path / 'boxes.jsonl').values()) == records


@pytest.mark.parametrize('end', ['\n', '', '\r\n', '\n\n  \n'])
def test_the_end_of_the_file_does_not_matter(tmp_path, end):
    record = read_boxes(write(tmp_path / 'b.jsonl', GOOD, end=end))['a/1.png']
    assert record == FaceRecord('a/1.png', ((1, 2, 30, 31.5), ), (0.9, ), 48, 40)


def test_boxes_of_five_numbers_and_short_keys(tmp_path):
    line = '{"image": "x", "w": 48, "h": 40, "boxes": [[0, 0, 5, 6, 0.7], [1, 1, 2, 2, 0.2]]}'
    record = read_boxes(write(tmp_path / 'b.jsonl', '\ufeff' + line))['x']
    assert record.boxes == ((0, 0, 5, 6), (1, 1, 2, 2)) and record.scores == (0.7, 0.2)
    assert (record.width, record.height) == (48, 40)


@pytest.mark.parametrize('line, says', [
    (GOOD[:-20], 'not JSON, or cut off'),
    ('[1, 2]', 'found a JSON list'),
    ('{"boxes": []}', '"image" is missing'),
    ('{"image": 7, "boxes": []}', '"image" is missing or no text'),
    ('{"image": "x"}', '"boxes" is missing'),
    ('{"image": "x", "boxes": [[1, 2, 3]]}', 'is not [x1, y1, x2, y2]'),
    ('{"image": "x", "boxes": [[1, 2, 3, "4"]]}', 'is not a number'),
    ('{"image": "x", "boxes": [[1, 2, true, 4]]}', 'is not a number'),
    ('{"image": "x", "boxes": [[1, 2, NaN, 4]]}', 'is not a finite number'),
    ('{"image": "x", "boxes": [[1, 2, 1e999, 4]]}', 'is not a finite number'),
    ('{"image": "x", "boxes": [[5, 2, 5, 4]]}', 'is empty'),
    ('{"image": "x", "boxes": [[1, 4, 2, 3]]}', 'is empty'),
    ('{"image": "x", "boxes": [[1, 1, 2, 3]], "scores": [1, 2]}', 'is not a list of 1'),
    ('{"image": "x", "boxes": [[1, 1, 2, 3], [1, 1, 2, 3, 0.5]]}', 'some boxes have a score'),
    ('{"image": "x", "boxes": [], "width": 0}', 'not a positive whole number'),
    ('{"image": "x", "boxes": [], "width": 1000000}', 'not a positive whole number'),
    ('{"image": "x", "boxes": [], "height": NaN}', 'not a positive whole number'),
    ('{"image": "x", "boxes": [], "file_size": 1.5}', 'not a positive whole number'),
    ('{"image": "x", "boxes": [], "detector": 3}', '"detector" is not text'),
    (GOOD.replace('0.9', '0.8'), "a second line for 'a/1.png'"),
    ('[' * 100_000, 'line 3'),
])
def test_a_broken_line_is_named_by_number(tmp_path, line, says):
    with pytest.raises(UserError) as caught:
        read_boxes(write(tmp_path / 'b.jsonl', GOOD, '', line, '{"image": "last", "boxes": []}'))
    message = str(caught.value)
    assert 'line 3' in message and says in message and '\n' not in message


def test_a_file_cut_in_its_last_line_is_an_error_that_says_how_to_finish_it(tmp_path):
    path = write(tmp_path / 'b.jsonl', GOOD, GOOD.replace('1.png', '2.png')[:-1], end='')
    with pytest.raises(UserError, match='line 2: not JSON, or cut off.*detect_faces.py command'):
        read_boxes(path)


HEADER = '{"format": "ssfer-face-boxes", "version": 1, "detector": {"detector": "x"}'


@pytest.mark.parametrize('end, found', [
    ('}', None), (', "images": 1}', None), (', "images": null}', 'is unfinished, 1 are there'),
    (', "images": 2}', 'should hold 2 images, 1 are there')])
def test_a_header_tells_whether_the_file_is_whole(tmp_path, end, found):
    path = write(tmp_path / 'b.jsonl', HEADER + end, GOOD)
    if found is None:
        assert list(read_boxes(path)) == ['a/1.png']
    else:
        with pytest.raises(UserError, match=f'{found}.*detect_faces.py command'):
            read_boxes(path)


def test_the_header_that_is_written_is_read(tmp_path):
    write_boxes(tmp_path / 'b.jsonl', [FaceRecord('a')], detector=dict(detector='x', nms_iou=.5))
    assert read_header(tmp_path / 'b.jsonl') == dict(
        format='ssfer-face-boxes', version=1, detector=dict(detector='x', nms_iou=.5), images=1)
    assert list(read_boxes(tmp_path / 'b.jsonl')) == ['a']
    write_boxes(tmp_path / 'b.jsonl', [FaceRecord('a')])
    assert read_header(tmp_path / 'b.jsonl') is None


@pytest.mark.parametrize('header', ['{"format": "ssfer-face-crops", "version": 1}',
                                    '{"format": "ssfer-face-boxes", "version": 2}'])
def test_another_kind_of_file_is_refused(tmp_path, header):
    with pytest.raises(UserError, match="expected 'ssfer-face-boxes' version 1"):
        read_boxes(write(tmp_path / 'b.jsonl', header, GOOD))


@in_tmp
@given(data=st.one_of(
    st.binary(max_size=80),
    st.builds(lambda at, byte: GOOD.encode()[:at] + byte + GOOD.encode()[at + 1:],
              st.integers(0, len(GOOD)), st.binary(max_size=2)),
    st.recursive(st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text()),
                 lambda inner: st.lists(inner) | st.dictionaries(
                     st.sampled_from(['image', 'boxes', 'scores', 'width', 'h', 'detector']),
                     inner)).map(lambda tree: json.dumps(tree).encode())))
def test_any_bytes_give_records_or_one_clear_line(tmp_path, data):
    path = tmp_path / 'any.jsonl'
    path.write_bytes(data)
    try:
        records = read_boxes(path)
    except UserError as error:
        assert '\n' not in str(error) and 'line ' in str(error)
    else:
        for name, record in records.items():
            assert record.image == name and np.isfinite(record.boxes).all()


def test_the_same_line_twice_is_one(tmp_path):
    assert list(read_boxes(write(tmp_path / 'b.jsonl', GOOD, GOOD))) == ['a/1.png']


def test_missing_file_and_unwritable_place(tmp_path):
    with pytest.raises(UserError, match='cannot read the box file .*nowhere.*boxes=None'):
        read_boxes(tmp_path / 'nowhere.jsonl')
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot write the box file'):
        write_boxes(tmp_path / 'file' / 'b.jsonl', [])


@pytest.mark.parametrize('records, says', [
    ([FaceRecord('a'), FaceRecord('a')], "two records for 'a'"),
    ([FaceRecord('a', ((0, 0, float('nan'), 1), ))], 'record 1'),
    ([FaceRecord('ok'), FaceRecord('a', ((0, 0, 0, 1), ))], 'record 2.*empty'),
])
def test_a_failed_write_leaves_the_old_file_alone(tmp_path, records, says):
    path = write(tmp_path / 'b.jsonl', GOOD)
    with pytest.raises(UserError, match=says):
        write_boxes(path, records)
    assert path.read_text() == GOOD + '\n' and os.listdir(tmp_path) == ['b.jsonl']
