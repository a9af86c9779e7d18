"""From box file to dataset: the right line for every image, or none."""
import numpy as np
import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_file import FaceRecord, write_boxes
from ssfer_mm.faces.box_lookup import boxes_of_images

GOOD = '{"image": "a/1.png", "width": 48, "height": 40, "boxes": [[1, 2, 30, 31.5]]}'


def write(path, *lines):
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return path


def test_load_puts_boxes_in_the_order_of_the_ids_and_counts(tmp_path):
    path = tmp_path / 'b.jsonl'
    write_boxes(path, [
        FaceRecord('p/none.png'),
        FaceRecord('p/two.png', ((0, 0, 1, 1), (2, 2, 3, 3))),
        FaceRecord('p/one.png', ((1, 2, 3, 4), )),
        FaceRecord('p/unused.png', ((9, 9, 10, 10), )),
    ])
    found = boxes_of_images(path, ['p/one.png', 'p/two.png', 'p/none.png', 'p/absent.png'])
    boxes, report = found.boxes, found.report
    assert boxes.dtype == np.float32 and boxes[0].tolist() == [1, 2, 3, 4]
    assert np.isnan(boxes[1:]).all()
    assert (report.total, report.one, report.none, report.several, report.not_in_file) == (
        4, 1, 1, 1, 1)
    assert '1 of 4 images (25.0 %)' in str(report) and '\n' not in str(report)


@pytest.mark.parametrize('rule, one, box, text', [
    ('only', 2, None, '2 several,'),
    ('best', 2, (5, 5, 9, 9), '2 several (the best one taken),'),
    ('largest', 2, (5, 5, 9, 9), '2 several (the largest one taken),')])
def test_the_rule_decides_among_several(tmp_path, rule, one, box, text):
    path = tmp_path / 'b.jsonl'
    write_boxes(path, [
        FaceRecord('many', ((0, 0, 1, 1), (5, 5, 9, 9), (0, 0, 99, 99)), (.6, .9, .1)),
        FaceRecord('two', ((0, 0, 1, 1), (2, 2, 3, 3)), (.6, .9)),
        FaceRecord('one', ((0, 0, 1, 1), (2, 2, 3, 3)), (.6, .1)),
        FaceRecord('sure', ((0, 0, 1, 1), ), (.6, )),
        FaceRecord('unsure', ((0, 0, 1, 1), ), (.3, )),
    ])
    found = boxes_of_images(path, ['many', 'two', 'one', 'sure', 'unsure'], rule, 0.5)
    boxes, report = found.boxes, found.report
    assert np.isnan(boxes[0]).all() if box is None else boxes[0].tolist() == list(box)
    assert boxes[2].tolist() == boxes[3].tolist() == [0, 0, 1, 1] and np.isnan(boxes[4]).all()
    assert (report.one, report.none, report.several) == (one, 1, 2) and text in str(report)


def test_sizes_come_along(tmp_path):
    path = tmp_path / 'b.jsonl'
    write_boxes(path, [FaceRecord('a', width=48, height=40), FaceRecord('b'),
                       FaceRecord('half', width=48)])
    found = boxes_of_images(path, ['b', 'c', 'a', 'half'])
    assert found.sizes.tolist() == [[0, 0], [0, 0], [48, 40], [0, 0]]


def test_an_id_may_be_the_end_of_the_other(tmp_path):
    """A box file of a folder serves a dataset inside it, and the other way round."""
    path = tmp_path / 'b.jsonl'
    write_boxes(path, [FaceRecord(image, ((k, 0, 9, 9), )) for k, image in enumerate(
        ['own/train/happy/1.jpg', 'own/train/sad/1.jpg', 'sad/2.jpg', '2.jpg'])])
    boxes = boxes_of_images(path, ['train/sad/1.jpg', 'train/happy/1.jpg', 'test/happy/1.jpg',
                                   'x/sad/2.jpg', 'appy/1.jpg']).boxes
    assert boxes[[0, 1, 3], 0].tolist() == [1, 0, 2]
    # The same file name in another folder is another image; so is half a folder's name.
    assert np.isnan(boxes[[2, 4]]).all()


def test_an_ending_of_several_ids_decides_nothing(tmp_path):
    path = tmp_path / 'b.jsonl'
    write_boxes(path, [FaceRecord(image, ((k, 0, 9, 9), )) for k, image in enumerate(
        ['x/sad/2.jpg', 'y/sad/2.jpg', 'x/sad/3.jpg', '4.jpg'])])
    boxes = boxes_of_images(path, ['sad/2.jpg', 'sad/3.jpg', 'a/4.jpg', 'b/4.jpg']).boxes
    assert boxes[1, 0] == 2 and np.isnan(boxes[[0, 2, 3]]).all()


def test_of_two_endings_the_longer_one_counts(tmp_path):
    """The file's a/b/1.png ends with all of b/1.png; 1.png is an end of that alone."""
    path = tmp_path / 'b.jsonl'
    write_boxes(path, [FaceRecord('a/b/1.png', ((1, 0, 9, 9), )), FaceRecord('1.png')])
    boxes = boxes_of_images(path, ['b/1.png']).boxes
    assert boxes[0, 0] == 1


@pytest.mark.parametrize('line, ids, owner', [
    ('x/a/b.png', ['b.png', 'a/b.png'], 1),
    ('x/a/b.png', ['x/a/b.png', 'a/b.png', 'b.png'], 0),
    ('a/b.png', ['x/a/b.png', 'b.png'], 0)])
def test_a_line_is_about_one_image(tmp_path, line, ids, owner):
    path = tmp_path / 'b.jsonl'
    write_boxes(path, [FaceRecord(line, ((7, 0, 9, 9), ))])
    for order in (ids, ids[::-1]):
        found = boxes_of_images(path, order)
        with_box = [image for image, box in zip(order, found.boxes) if not np.isnan(box).any()]
        assert with_box == [ids[owner]]
        assert found.report.not_in_file == len(ids) - 1


def test_file_names_match_only_where_they_are_unique(tmp_path):
    path = tmp_path / 'b.jsonl'
    write_boxes(path, [
        FaceRecord('/other/root/a.png', ((1, 1, 2, 2), )),
        FaceRecord('x/twice.png', ((3, 3, 4, 4), )),
        FaceRecord('y/twice.png', ((5, 5, 6, 6), )),
        FaceRecord('z/own.png', ((7, 7, 8, 8), )),
    ])
    found = boxes_of_images(path, ['train/a.png', 'train/twice.png', 'u/own.png', 'v/own.png'])
    boxes, report = found.boxes, found.report
    assert boxes[0].tolist() == [1, 1, 2, 2]
    # "twice" is ambiguous in the file, "own" in the data set: a guess would be a wrong box.
    assert np.isnan(boxes[1:]).all() and report.not_in_file == 3
    assert str(report).endswith('; 1 were found by their file names alone, in other folders')


def test_a_box_file_for_other_images_shows_one_of_each(tmp_path):
    with pytest.raises(UserError, match="other images.*'a/1.png'.*'img/7.jpg'"):
        boxes_of_images(write(tmp_path / 'b.jsonl', GOOD), ['img/7.jpg', 'img/8.jpg'])
    with pytest.raises(UserError, match='other images.*empty'):
        boxes_of_images(write(tmp_path / 'e.jsonl', ''), ['img/7.jpg'])
