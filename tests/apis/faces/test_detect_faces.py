"""The detection command: every image once, whatever happens in between."""
import json
import multiprocessing
import os
import signal
import time
from multiprocessing import forkserver

import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.apis.faces import detection
from ssfer_mm.apis.faces.detect_faces import main
from ssfer_mm.datasets import UnlabeledFaces
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_file import read_boxes, read_header
from support.bright import bright_config, picture, save

COUNT = 24


@pytest.fixture
def photos(tmp_path):
    """Images with no, one, or two faces."""
    for k in range(COUNT):
        boxes = [(5 + k, 6, 25 + k, 30), (70, 30, 80, 44)][:k % 3]
        save(tmp_path / 'photos' / f'c{k % 2}' / f'{k:02d}.png', picture((100, 60), *boxes))
    return tmp_path / 'photos'


@pytest.fixture
def command(photos, tmp_path):
    """Run the tool on the photos, four at a time."""
    def run(*options, out='b.jsonl', source=photos, **settings):
        settings.setdefault('log', str(tmp_path / 'log'))
        detector = bright_config(tmp_path / 'detector.py', **settings)
        return main([str(source), '--out', str(tmp_path / out), '--detector', detector,
                     '--batch-size', '4', *options])
    return run


def looked_at(tmp_path):
    """How many images the detector has seen so far."""
    return len((tmp_path / 'log').read_text().splitlines())


def test_every_face_of_every_image_and_who_found_it(command, photos, tmp_path, capsys):
    assert command('--score-threshold', '0.75') == 0
    records = read_boxes(tmp_path / 'b.jsonl')
    assert list(records) == UnlabeledFaces(str(photos)).ids()
    record = records['photos/c1/11.png']
    assert record.boxes == ((16, 6, 36, 30), (70, 30, 80, 44)) and record.scores == (1, 1)
    assert (record.width, record.height) == (100, 60)
    assert [len(records[f'photos/c{k % 2}/{k:02d}.png'].boxes) for k in range(3)] == [0, 1, 2]
    header = read_header(tmp_path / 'b.jsonl')
    assert header['images'] == COUNT and header['detector']['score_threshold'] == 0.75
    assert '24 images: 8 with exactly one face, 8 with none, 8 with several' in (
        capsys.readouterr().out)


def test_a_second_run_has_nothing_to_do(command, tmp_path):
    command()
    before = (tmp_path / 'b.jsonl').stat()
    assert command() == 0 and looked_at(tmp_path) == COUNT
    after = (tmp_path / 'b.jsonl').stat()  # the time of reading may have changed
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_another_folder_of_the_same_name_is_not_taken_for_the_first(command, tmp_path, capsys):
    for folder, bright in (('a', (3, 3, 20, 20)), ('b', (5, 5, 9, 30))):
        save(tmp_path / folder / 'train' / '1.png', picture((60, 40), bright))
    assert len({path.stat().st_size for path in tmp_path.glob('*/train/1.png')}) == 2
    assert command(source=tmp_path / 'a' / 'train') == 0
    before = (tmp_path / 'b.jsonl').read_bytes()
    assert command(source=tmp_path / 'b' / 'train') == 2
    assert "called 'train/1.png' of" in capsys.readouterr().err
    assert (tmp_path / 'b.jsonl').read_bytes() == before
    assert command('--overwrite', source=tmp_path / 'b' / 'train') == 0
    assert read_boxes(tmp_path / 'b.jsonl')['train/1.png'].boxes == ((5, 5, 9, 30), )


def on_its_own(run):
    """A forked process cannot use the fork server that an earlier test left to its parent."""
    forkserver._forkserver.__init__()
    run()


def killed(run, out, lines):
    """Run it in a process of its own, and kill -9 that when the file has so many lines."""
    process = multiprocessing.get_context('fork').Process(target=on_its_own, args=(run, ))
    process.start()
    deadline = time.monotonic() + 900
    while not out.exists() or out.read_bytes().count(b'\n') < lines:
        assert process.is_alive() and time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_killed_and_restarted_it_gives_the_same_file_and_repeats_nothing(command, tmp_path):
    command(out='whole.jsonl', log=None)
    out = tmp_path / 'b.jsonl'
    killed(lambda: command(delay=0.15), out, lines=9)
    with pytest.raises(UserError, match='is unfinished'):
        read_boxes(out)
    kept, seen = out.read_bytes().count(b'\n') - 1, looked_at(tmp_path)
    assert 8 <= kept < COUNT
    assert command() == 0
    assert out.read_bytes() == (tmp_path / 'whole.jsonl').read_bytes()
    assert looked_at(tmp_path) - seen == COUNT - kept


@pytest.mark.parametrize('cut', [1, 30])
def test_of_a_file_that_was_cut_the_good_lines_are_kept(command, tmp_path, capsys, cut):
    command()
    out = tmp_path / 'b.jsonl'
    whole = out.read_bytes()
    out.write_bytes(whole[:-cut])
    assert command() == 0 and out.read_bytes() == whole
    assert looked_at(tmp_path) == COUNT + 1
    assert '1 unfinished or damaged line left out' in capsys.readouterr().out


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f'/proc/{pid}/stat') as file:
        return file.read().rsplit(')', 1)[1].split()[0] == 'Z'


@pytest.mark.skipif(not os.path.isdir('/proc/self'), reason='looks at processes in /proc')
def test_two_workers_give_the_same_and_end_with_the_main_process(command, tmp_path):
    command(out='one.jsonl', log=None)

    def run():
        # One after the other, so that the import of the workers' modules is paid for once.
        command('--workers', '2', out='two.jsonl')
        command('--workers', '2', delay=0.2)

    killed(run, tmp_path / 'b.jsonl', lines=9)
    assert (tmp_path / 'two.jsonl').read_bytes() == (tmp_path / 'one.jsonl').read_bytes()
    workers = set(map(int, (tmp_path / 'log').read_text().split()))
    assert len(workers) == 4 and os.getpid() not in workers
    deadline = time.monotonic() + 60
    while not all(map(gone, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert all(map(gone, workers))
    assert command() == 0
    assert (tmp_path / 'b.jsonl').read_bytes() == (tmp_path / 'one.jsonl').read_bytes()


def test_another_detector_does_not_mix_in(command, tmp_path, capsys):
    command()
    before = (tmp_path / 'b.jsonl').read_bytes()
    assert command('--score-threshold', '0.9') == 2
    assert 'detector.score_threshold 0.5, now it is 0.9' in capsys.readouterr().err
    assert (tmp_path / 'b.jsonl').read_bytes() == before
    assert command('--score-threshold', '0.9', '--overwrite') == 0
    assert read_header(tmp_path / 'b.jsonl')['detector']['score_threshold'] == 0.9


def test_further_images_are_added_to_those_that_are_there(command, photos, tmp_path):
    assert command(source=photos / 'c0') == 0 and command(source=photos / 'c1') == 0
    assert len(read_boxes(tmp_path / 'b.jsonl')) == COUNT == looked_at(tmp_path)


def test_unreadable_images_are_listed_and_tried_again(command, photos, tmp_path, capsys):
    (photos / 'c0' / 'bad.jpg').write_bytes(b'<html>')
    (photos / 'c1' / 'empty.png').write_bytes(b'')
    assert command() == 1
    listed = capsys.readouterr().err
    assert '2 of 26 images could not be read:' in listed
    assert 'photos/c0/bad.jpg: ' in listed and 'photos/c1/empty.png: ' in listed
    assert len(read_boxes(tmp_path / 'b.jsonl')) == COUNT
    save(photos / 'c0' / 'bad.jpg', picture((100, 60), (5, 5, 50, 50)))
    (photos / 'c1' / 'empty.png').unlink()
    assert command() == 0 and looked_at(tmp_path) == COUNT + 1
    assert len(read_boxes(tmp_path / 'b.jsonl')['photos/c0/bad.jpg'].boxes) == 1


def test_ctrl_c_says_how_to_go_on_and_loses_nothing(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('sys.argv', ['tools/detect_faces.py', 'a b', '--overwrite'])
    find, calls = detection.find_batch, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return find(*args)

    monkeypatch.setattr(detection, 'find_batch', interrupted)
    assert command() == 130
    assert "Go on with: python tools/detect_faces.py 'a b'\n" in capsys.readouterr().err
    monkeypatch.undo()
    assert command() == 0 and looked_at(tmp_path) == COUNT


def test_kinds_of_images_and_where_their_faces_are(command, tmp_path):
    folder, box = tmp_path / 'kinds', (40, 10, 80, 40)
    image = picture((100, 60), box)
    save(folder / 'grey.png', image[..., 0])
    save(folder / 'rgba.png', cv2.cvtColor(image, cv2.COLOR_BGR2BGRA))
    save(folder / 'deep.png', image.astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    Image.fromarray(np.rot90(image)).save(folder / 'turned.jpg', exif=exif, quality=100)
    assert command(source=folder) == 0
    for record in read_boxes(tmp_path / 'b.jsonl').values():
        assert record.boxes == (box, ) and (record.width, record.height) == (100, 60)


def test_a_huge_photo_is_reduced_and_its_boxes_are_not(command, tmp_path, monkeypatch):
    save(tmp_path / 'big' / 'a.jpg', picture((4000, 3000), (1600, 800, 2400, 2000)))
    monkeypatch.setattr(detection, 'MAX_PIXELS', 300_000)
    assert command(source=tmp_path / 'big') == 0
    record = read_boxes(tmp_path / 'b.jsonl')['big/a.jpg']
    assert (record.width, record.height) == (4000, 3000)
    assert np.abs(np.subtract(record.boxes[0], (1600, 800, 2400, 2000))).max() <= 8


def test_images_in_memory(tmp_path):
    (tmp_path / 'c.py').write_text(
        "val_dataloader = dict(dataset=dict(type='SynthFER', subset='test', num_images=3, "
        'size=16, cache_dir=None))\n')
    assert main([str(tmp_path / 'c.py'), '--subset', 'val', '--detector', 'fixed', '--out',
                 str(tmp_path / 'b.jsonl')]) == 0
    record = read_boxes(tmp_path / 'b.jsonl')['test/000002']
    assert record.width == 16 and record.boxes == ((1.79, 1.79, 15.71, 15.71), )


def test_the_preview_shows_boxes_where_the_faces_are(command, photos, tmp_path):
    assert command('--preview', str(tmp_path / 'new' / 'p.png')) == 0
    sheet = np.asarray(Image.open(tmp_path / 'new' / 'p.png'))
    assert (sheet == (255, 179, 71)).all(axis=2).sum() > 8 * 100  # the color of a single face
    assert (sheet == (92, 200, 255)).all(axis=2).sum() > 8 * 200  # of several
    assert command('--preview', str(tmp_path / 'p.nonsense')) == 2


@pytest.mark.parametrize('options, says', [
    (('--batch-size', '0'), '--batch-size 0'), (('--workers', '0'), '--workers 0'),
    (('--detector', 'nobody'), "'nobody'"),
    (('--detector', 'fixed', '--score-threshold', '0.5'), 'has no score_threshold')])
def test_nonsense_is_explained(photos, tmp_path, capsys, options, says):
    command = [str(photos), '--out', str(tmp_path / 'b.jsonl'), '--detector', 'fixed', *options]
    assert main(command) == 2
    assert says in capsys.readouterr().err


def test_lines_are_json_with_the_documented_keys(command, tmp_path):
    command()
    header, line = map(json.loads, (tmp_path / 'b.jsonl').read_text().splitlines()[:2])
    assert set(header) == {'format', 'version', 'detector', 'images'}
    assert set(line) >= {'image', 'width', 'height', 'boxes'}
