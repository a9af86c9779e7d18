"""The data check: boxes that are missing, of other images, or beside the picture."""
from dataclasses import replace

import pytest
from PIL import Image

from ssfer_mm.apis.dataset.check_data import check_data
from ssfer_mm.faces import FaceRecord, write_boxes
from support.checked_data import labeled
from support.photos import photo

STAGE_ONE = 'configs/mae/mae_vit-micro-p8_faces-48px'


def boxes_of(root, file, **change):
    split = labeled(root)
    records = {name: FaceRecord(name, ((4., 4., 40., 40.), ), width=48, height=48)
               for name in split.labeled}
    first = split.labeled[0]
    records[first] = FaceRecord(**{**vars(records[first]), **change})
    write_boxes(str(file), records.values())
    return first


@pytest.mark.parametrize('change, key', [
    (dict(width=96, height=96), ('error', 'box size')),
    (dict(boxes=()), ('warning', 'no box')),
    (dict(boxes=((60., 60., 70., 70.), )), ('warning', 'box outside'))])
def test_boxes(check, root, tmp_path, change, key):
    first = boxes_of(root, tmp_path / 'boxes.jsonl', **change)
    found, _ = check(boxes=str(tmp_path / 'boxes.jsonl'))
    assert found[(*key, 'labeled')].names == [first] and len(found) == 1


def test_box_files_may_have_any_name(check, root, tmp_path):
    file = str(tmp_path / 'boxes_{size}.jsonl')
    boxes_of(root, file, boxes=())
    finding, = check(boxes=file)[0].values()
    assert finding.text.startswith(f'1 of 6 have no face box ({file}): FaceMix')


@pytest.mark.parametrize('config, change, expected', [
    ('_face-mask', None, ('error', 'boxes')),
    ('_face-mask', dict(width=96, height=96), ('error', 'box size')),
    ('_face-mask', dict(boxes=()), ('warning', 'no box')),
    ('', None, ('error', 'boxes')),  # PackImage packs no boxes, but the file is read
    ('', dict(width=96, height=96), None)])
def test_boxes_of_stage_one(root, tmp_path, config, change, expected):
    file = tmp_path / 'boxes.jsonl'
    if change is not None:
        first, *others = (FaceRecord(f'more/{k}.png', ((4., 4., 40., 40.), ), width=48, height=48)
                          for k in range(3))
        write_boxes(str(file), [replace(first, **change), *others])
    options = {'data_root': str(root / 'more'), 'boxes': str(file)}
    options = {f'train_dataloader.dataset.{key}': value for key, value in options.items()}
    checked = check_data([f'{STAGE_ONE}{config}.py'],
                         {**options, 'train_dataloader.batch_size': 3}, workers=1)
    assert [(f.severity, f.kind) for f in checked.findings] == ([expected] if expected else [])
    assert all(f.part == 'pre-training' and 'FaceMix' not in f.text for f in checked.findings)
    assert checked.status() == (expected is not None and expected[0] == 'error')


def test_boxes_of_a_test_set(check, tmp_path):
    """Accuracies need none, but the pipeline refuses those of other images."""
    file = str(tmp_path / 'boxes.jsonl')
    write_boxes(file, [FaceRecord('test/sadness/0.png', ((4., 4., 40., 40.), ), width=96,
                                  height=96)])
    found, _ = check(more=f"val_dataloader['dataset'].update(boxes={file!r}, "
                     "pipeline=[dict(type='PackFace')])")
    assert set(found) == {('error', 'box size', 'test')}


def test_boxes_found_before_the_picture_was_turned(check, root, tmp_path):
    first = boxes_of(root, tmp_path / 'boxes.jsonl', width=40, height=48)
    exif = Image.Exif()
    exif[0x112] = 6
    Image.fromarray(photo(77, 48)[:, :40]).save(root / first, exif=exif)
    found, _ = check(boxes=str(tmp_path / 'boxes.jsonl'))
    assert found[('error', 'box rotation', 'labeled')].names == [first]
