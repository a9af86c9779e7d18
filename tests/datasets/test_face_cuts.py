"""Which faces a detector is trained on, and which are kept from it."""
import json
import os

import numpy as np
import pytest

from ssfer_mm import UserError
from ssfer_mm.datasets.face_cuts import DrawnFaces, PhotoFaces, is_held_out
from support.face_cuts import BOX, write_cuts


def test_the_slice_never_changes():
    # sha256 of the name modulo 5, computed elsewhere
    names = ['AJ_Cook_0001.jpg', 'AJ_Lamas_0001.jpg', 'Aaron_Eckhart_0001.jpg',
             'Abdel_Madi_Shabneh_0001.jpg']
    assert [is_held_out(name) for name in names] == [False, False, False, True]
    latin = ['Ren\udce9_0001.jpg', 'Zo\udce9_0001.jpg']  # not in UTF-8 on the disk
    assert [is_held_out(name) for name in latin] == [False, True]
    share = np.mean([is_held_out(f'{k}.jpg') for k in range(5000)])
    assert abs(share - .2) < .02


def test_no_image_is_in_both_parts(tmp_path):
    folder, boxes = write_cuts(tmp_path, 60)
    train, kept = (set(PhotoFaces(folder, boxes, part).names) for part in ('train', 'held_out'))
    assert not train & kept and len(train | kept) == 60
    assert kept == {name for name in train | kept if is_held_out(name)} != set()


def test_images_with_no_or_several_faces_are_left_out(tmp_path):
    folder, boxes = write_cuts(tmp_path, 10)
    rows = [json.loads(line) for line in open(boxes)]
    rows[1]['boxes'], rows[2]['boxes'] = [], [[0, 0, 5, 5, 1], [9, 9, 20, 20, 1]]
    rows.append(rows[3])  # the same line twice is no contradiction
    open(boxes, 'w').write('\n'.join(map(json.dumps, rows)))
    names = PhotoFaces(folder, boxes).names + PhotoFaces(folder, boxes, 'held_out').names
    assert sorted(names) == [f'person_{k:04d}.jpg' for k in (0, *range(3, 10))]
    cut = PhotoFaces(folder, boxes)[0]
    assert cut.image.shape == (40, 40, 3) and cut.box == BOX


def test_a_box_file_of_the_whole_folder_will_do(tmp_path):
    folder, boxes = write_cuts(tmp_path, 20)
    names = PhotoFaces(folder, boxes).names
    rows = [json.loads(line) for line in open(boxes)]
    rows = [dict(row, image=f'{os.path.basename(folder)}/{row["image"]}') for row in rows]
    open(boxes, 'w').write('\n'.join(map(json.dumps, rows)))
    assert PhotoFaces(folder, boxes).names == names


@pytest.mark.parametrize('limit', [0, -3])
def test_a_limit_takes_some(tmp_path, limit):
    with pytest.raises(UserError, match='limit must be a whole number >= 1'):
        PhotoFaces(*write_cuts(tmp_path, 10), limit=limit)


def test_bad_data_is_explained(tmp_path):
    folder, boxes = write_cuts(tmp_path, 10)
    with pytest.raises(UserError, match='is not a folder; expected the face crops'):
        PhotoFaces(folder + '/nowhere', boxes)
    with pytest.raises(UserError, match='cannot read the box file'):
        PhotoFaces(folder, boxes + 'x')
    with pytest.raises(UserError, match="no part 'test'"):
        PhotoFaces(folder, boxes, 'test')
    row = json.loads(open(boxes).readline())
    with open(boxes, 'a') as file:
        file.write(json.dumps(dict(row, boxes=[[0, 0, 9, 9, 1]])))
    with pytest.raises(UserError, match='line 11: a second line for'):
        PhotoFaces(folder, boxes)
    open(boxes, 'w').write('{"image": "other.jpg", "boxes": [[0, 0, 9, 9]]}')
    with pytest.raises(UserError, match='is a box file for other images'):
        PhotoFaces(folder, boxes, 'held_out' if is_held_out('other.jpg') else 'train')


@pytest.mark.parametrize('content', [b'no image', b''])
def test_an_unreadable_image_is_named(tmp_path, content):
    folder, boxes = write_cuts(tmp_path, 10)
    name = PhotoFaces(folder, boxes).names[0]
    (tmp_path / 'images' / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        PhotoFaces(folder, boxes)[0]


def test_drawn_faces_have_the_box_of_a_face_not_of_a_head():
    faces = DrawnFaces(2, size=32, cache_dir=None)
    x1, y1, x2, y2 = faces._pool.boxes[1].tolist()
    assert faces[1].box == (x1, y1 + .14 * (y2 - y1), x2, y2)
    np.testing.assert_array_equal(faces[1].image, faces._pool.images[1][..., ::-1])
