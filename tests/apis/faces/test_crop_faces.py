"""The crop command: the right pixels under the right names, and a manifest that tells all."""
import functools
import json
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.apis.faces import crop_faces
from ssfer_mm.apis.faces.crop_faces import main
from ssfer_mm.datasets import ClassFolders
from ssfer_mm.faces.box_file import FaceRecord, write_boxes
from support.bright import bright_config, picture, save

ONE, TWO = (40, 20, 60, 40), (70, 30, 80, 44)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    save(folder / 'happy' / 'one.png', picture((100, 60), ONE))
    save(folder / 'happy' / 'two.jpg', picture((100, 60), TWO, ONE))
    save(folder / 'sad' / 'none.png', picture((100, 60)))
    save(folder / 'sad' / 'deep' / 'tiff.tif', picture((100, 60), ONE))
    return folder


@pytest.fixture
def command(photos, tmp_path):
    detector = bright_config(tmp_path / 'detector.py')

    def run(*options, source=photos, others=(), out='crops'):
        return main([str(source), *map(str, others), '--out', str(tmp_path / out),
                     '--detector', detector, '--size', '32', *map(str, options)])
    return run


def manifest(out):
    header, *lines = (out / 'manifest.jsonl').read_text().splitlines()
    return json.loads(header), [json.loads(line) for line in lines]


def images(out):
    return sorted(str(path.relative_to(out)) for path in out.rglob('*')
                  if path.is_file() and path.suffix != '.jsonl')


def test_crops_keep_folders_and_names_and_the_manifest_tells_where_from(command, tmp_path):
    assert command() == 0
    out = tmp_path / 'crops'
    assert images(out) == ['happy/one.png', 'happy/two_0.jpg', 'happy/two_1.jpg',
                           'sad/deep/tiff.png']
    header, lines = manifest(out)
    assert header['images'] == 4 and header['detector']['detector'] == 'bright'
    assert header['settings'] == dict(margin=.25, size=32, choose='all', min_score=0, min_face=0)
    one, left, right, tiff, none = lines
    assert one == dict(source='photos/happy/one.png', status='ok', found=1, face=0, faces=1,
                       box=list(ONE), score=1., crop=[35, 15, 65, 45], file='happy/one.png')
    assert (left['box'], right['box']) == (list(ONE), list(TWO))  # from left to right
    assert right['crop'] == [64, 26, 85, 47] or right['crop'] == [64, 27, 85, 48]
    assert none == dict(source='photos/sad/none.png', status='no face', found=0)
    assert ClassFolders(str(out), classes=('happy', 'sad')).ids() == images(out)


def test_the_pixels_are_those_of_the_square(command, photos, tmp_path):
    assert command('--margin', '0.1', '--size', '24') == 0
    cut = cv2.imread(str(tmp_path / 'crops' / 'happy' / 'one.png'))
    assert np.array_equal(cut, cv2.imread(str(photos / 'happy' / 'one.png'))[18:42, 38:62])


@pytest.mark.parametrize('options, files, statuses', [
    (('--choose', 'largest'), {'happy/one.png', 'happy/two.jpg', 'sad/deep/tiff.png'}, 1),
    (('--choose', 'only'), {'happy/one.png', 'sad/deep/tiff.png'}, 2),
    (('--min-face', '12'), {'happy/one.png', 'happy/two.jpg', 'sad/deep/tiff.png'}, 1),
    (('--min-face', '21'), set(), 4)])
def test_which_faces_are_taken(command, tmp_path, options, files, statuses):
    assert command(*options) == 0
    assert set(images(tmp_path / 'crops')) == files
    lines = manifest(tmp_path / 'crops')[1]
    assert sum(line['status'] != 'ok' for line in lines) == statuses
    several = [line for line in lines if line['status'] == 'several faces']
    assert len(several) == ('only' in options)


def test_a_photo_is_turned_upright_first(command, tmp_path):
    image = picture((100, 60), ONE)
    image[20:30, 40:60] = (0, 0, 255)  # the upper half of the face is red
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / 'turned').mkdir()
    Image.fromarray(np.rot90(image)[..., ::-1]).save(tmp_path / 'turned' / 'a.jpg', exif=exif,
                                                     quality=100)
    assert command('--margin', '0', '--size', '20', source=tmp_path / 'turned') == 0
    cut = cv2.imread(str(tmp_path / 'crops' / 'a.jpg')).astype(int)
    assert (cut[2:8, 2:18, 0] < 60).all() and (cut[12:18, 2:18, 0] > 200).all()


def test_names_that_would_collide_are_kept_apart(command, tmp_path):
    folder = tmp_path / 'same'
    for name in ('a.png', 'a.tif', 'a.bmp'):
        save(folder / name, picture((100, 60), ONE))
    save(folder / 'b.png', picture((100, 60), ONE, TWO))
    save(folder / 'b_0.png', picture((100, 60), ONE))
    assert command(source=folder) == 0
    lines = manifest(tmp_path / 'crops')[1]
    assert len({line['file'] for line in lines}) == 6 == len(images(tmp_path / 'crops'))


def test_unreadable_photos_are_listed_and_the_others_done(command, photos, tmp_path, capsys):
    (photos / 'sad' / 'bad.jpg').write_bytes(b'<html>')
    assert command() == 1
    assert 'photos/sad/bad.jpg: ' in capsys.readouterr().err
    line = next(line for line in manifest(tmp_path / 'crops')[1] if 'bad' in line['source'])
    assert line['status'] == 'unreadable' and 'cannot be decoded' in line['reason']
    assert len(images(tmp_path / 'crops')) == 4
    save(photos / 'sad' / 'bad.jpg', picture((100, 60), ONE))
    assert command() == 0 and 'sad/bad.jpg' in images(tmp_path / 'crops')


def contents(out):
    return {name: (out / name).read_bytes() for name in [*images(out), 'manifest.jsonl']}


@pytest.mark.parametrize('folders', [('', ), ('happy', 'sad')])
@pytest.mark.parametrize('stop_after', [0, 1, 2])
def test_interrupted_it_goes_on_and_gives_the_same(command, photos, tmp_path, monkeypatch,
                                                   stop_after, folders):
    source, *others = (photos / folder for folder in folders)
    command = functools.partial(command, source=source, others=others)
    command(out='whole')
    cut, calls = crop_faces._cut, []

    def dying(*args):
        if len(calls) == stop_after:
            raise KeyboardInterrupt
        calls.append(cut(*args))
        return calls[-1]

    monkeypatch.setattr(crop_faces, '_cut', dying)
    assert command('--batch-size', '1') == 130
    monkeypatch.setattr(crop_faces, '_cut', lambda *args: calls.append(0) or cut(*args))
    assert command('--batch-size', '1') == 0
    assert len(calls) == 3  # each image with faces was cut once
    assert contents(tmp_path / 'crops') == contents(tmp_path / 'whole')


def test_a_crop_that_is_gone_is_made_again_and_no_other(command, tmp_path, monkeypatch):
    command()
    out = tmp_path / 'crops'
    before = contents(out)
    os.unlink(out / 'happy' / 'two_1.jpg')
    other = (out / 'happy' / 'one.png').stat().st_mtime_ns
    assert command() == 0 and contents(out) == before
    assert (out / 'happy' / 'one.png').stat().st_mtime_ns == other


def test_of_a_manifest_that_was_cut_half_an_image_is_not_believed(command, tmp_path):
    command()
    out = tmp_path / 'crops'
    before, lines = contents(out), (out / 'manifest.jsonl').read_bytes().splitlines(True)
    (out / 'manifest.jsonl').write_bytes(b''.join(lines[:3]))  # one of the two faces
    assert command() == 0 and contents(out) == before


def test_other_settings_need_another_folder(command, tmp_path, capsys):
    command()
    assert command('--margin', '0.5') == 2
    assert 'settings.margin 0.25, now it is 0.5' in capsys.readouterr().err
    assert command('--margin', '0.5', '--overwrite') == 0


def test_begun_anew_there_are_no_crops_of_former_settings(command, tmp_path):
    command()
    out, mine = tmp_path / 'crops', tmp_path / 'mine.png'
    lines = [dict(source='a', status='ok', face=0, faces=1, file=file)
             for file in ('../mine.png', str(mine), '.', 'gone.png')]
    with open(out / 'manifest.jsonl', 'a') as manifest:
        manifest.writelines(json.dumps(line) + '\n' for line in lines)
    for path in (mine, out / 'happy' / 'mine.png'):
        save(path, picture((9, 9)))
    assert command('--choose', 'largest', '--overwrite') == 0
    assert images(out) == ['happy/mine.png', 'happy/one.png', 'happy/two.jpg', 'sad/deep/tiff.png']
    assert mine.exists()


def test_begun_anew_a_crop_that_is_now_a_photo_stays(command, tmp_path):
    command('--choose', 'largest')
    photo = tmp_path / 'crops' / 'happy' / 'one.png'
    save(photo, picture((100, 60), ONE, TWO))
    assert command('--overwrite', source=photo) == 0
    assert images(tmp_path / 'crops') == ['happy/one.png', 'one_0.png', 'one_1.png']


def test_begun_anew_the_manifest_of_another_tool_says_nothing(command, tmp_path):
    command()
    manifest = tmp_path / 'crops' / 'manifest.jsonl'
    manifest.write_text(manifest.read_text().replace('ssfer-face-crops', 'other'))
    assert command('--choose', 'largest', '--overwrite') == 0
    assert 'happy/two_1.jpg' in images(tmp_path / 'crops')


def test_boxes_of_a_file_instead_of_a_detector(command, tmp_path, capsys):
    path = tmp_path / 'b.jsonl'
    write_boxes(path, [FaceRecord('happy/one.png', ((0, 0, 10, 10), ), (.5, ), 100, 60),
                       FaceRecord('photos/sad/none.png', ((0, 0, 10, 10), ), (.9, ), 100, 60)])
    assert command('--boxes', path, '--min-score', '0.6') == 1
    statuses = {line['source']: line['status'] for line in manifest(tmp_path / 'crops')[1]}
    assert statuses == {'photos/happy/one.png': 'no face', 'photos/sad/none.png': 'ok',
                        'photos/happy/two.jpg': 'not in box file',
                        'photos/sad/deep/tiff.tif': 'not in box file'}
    assert '2 of 4 images' in capsys.readouterr().err


def test_boxes_of_images_of_another_size_are_refused(command, photos, tmp_path, capsys):
    write_boxes(tmp_path / 'b.jsonl', [FaceRecord('one.png', ((0, 0, 9, 9), ), (.5, ), 50, 30)])
    assert command('--boxes', tmp_path / 'b.jsonl', source=photos / 'happy' / 'one.png') == 2
    assert '50 x 30' in capsys.readouterr().err


@pytest.mark.parametrize('options, says', [
    (('--margin', '-1'), '--margin'), (('--size', '0'), '--size 0'),
    (('--min-face', '-1'), '--min-face'), (('--min-face', 'nan'), '--min-face nan'),
    (('--min-score', '2'), 'min_score must be'),
    (('--out', 'photos/crops'), 'inside the photos')])
def test_nonsense_is_explained(command, tmp_path, monkeypatch, capsys, options, says):
    monkeypatch.chdir(tmp_path)
    assert command(*options) == 2
    assert says in capsys.readouterr().err and not (tmp_path / 'crops').exists()


def test_photos_of_a_config_are_not_replaced_either(photos, command, tmp_path, capsys):
    root, config = tmp_path / 'root', tmp_path / 'config.py'
    root.mkdir()
    photos.rename(root / 'train')
    config.write_text(f"train_dataloader = dict(dataset=dict(type='ClassFolders', subset='train', "
                      f"data_root={str(root)!r}, classes=('happy', 'sad')))")
    before = {path: path.read_bytes() for path in root.rglob('*') if path.is_file()}
    assert command('--overwrite', source=config, out='root') == 2
    assert 'inside the photos' in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in root.rglob('*') if path.is_file()}


def test_photos_of_a_stage_one_of_several_folders(photos, command, tmp_path, capsys):
    config, folders = tmp_path / 'config.py', [str(photos / 'happy'), str(photos / 'sad')]
    config.write_text(f"train_dataloader = dict(dataset=dict(type='UnlabeledFaces', "
                      f"data_root={folders}))")
    assert command(source=config, out='photos/sad/crops') == 2
    assert 'inside the photos' in capsys.readouterr().err
    assert command(source=config) == 0
    assert images(tmp_path / 'crops')[0] == 'happy/one.png'


def test_a_photo_is_never_replaced(command, photos, capsys):
    before = (photos / 'happy' / 'one.png').read_bytes()
    assert command(source=photos / 'happy' / 'one.png', out='photos/happy') == 2
    assert 'would replace the photo' in capsys.readouterr().err
    assert (photos / 'happy' / 'one.png').read_bytes() == before


def test_pictures_of_others_are_not_replaced_unasked(command, tmp_path, capsys):
    mine = tmp_path / 'crops' / 'happy' / 'one.png'
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b'a picture of last year')
    assert command() == 2
    said = capsys.readouterr().err
    assert 'happy/one.png' in said and '--overwrite' in said
    assert mine.read_bytes() == b'a picture of last year'
    assert images(tmp_path / 'crops') == ['happy/one.png']
    assert command() == 2  # what the first call left does not let the second one through
    assert command('--overwrite') == 0
    assert mine.read_bytes() != b'a picture of last year'
