"""From a training checkpoint to the file in the package, and the measurements of it."""
import json

import cv2
import numpy as np
import pytest
import torch
from safetensors import safe_open

from ssfer_mm import UserError
from ssfer_mm.apis.export import export_face_detector as exporting
from ssfer_mm.apis.faces import eval_face_detector as evaluation
from ssfer_mm.command_line.parsers import export_onnx_detector_parser
from ssfer_mm.datasets.face_cuts import PhotoFaces
from ssfer_mm.faces.detectors import EmbeddedFaceDetector, FaceDetector, Faces
from support.detectors import noise, random_weights, rtmdet
from support.face_cuts import BOX, SIDE, write_cuts

pytest.importorskip('mmdet')


class Knowing(FaceDetector):
    """Answers the faces' box, moved by some pixels, and twice for every fourth image."""
    name = 'knowing'

    def __init__(self, shift: float) -> None:
        self.shift, self.count = shift, 0

    def detect(self, images):
        found = []
        for image in images:
            scale = image.shape[1] / SIDE
            boxes = [np.array(BOX) * scale + [self.shift, 0, self.shift, 0]]
            self.count += 1
            boxes += [np.array([0, 0, 3, 3])] * (self.count % 4 == 0)
            found.append(Faces(np.array(boxes, np.float32), np.ones(len(boxes), np.float32)))
        return found

    def describe(self):
        return dict(detector=self.name)


def test_figures_of_crops(tmp_path):
    crops = PhotoFaces(*write_cuts(tmp_path, 40))
    count = len(crops)
    figures = evaluation.crop_figures(evaluation.on_crops(Knowing(0), crops))
    assert figures['found'] == figures['iou'] == 1 and figures['faces'] == count
    assert figures['several'] == figures['spare'] == (count // 4) / count
    moved = evaluation.crop_figures(evaluation.on_crops(Knowing(5), crops))
    assert moved['iou'] == pytest.approx(21 / 31)
    missed = evaluation.crop_figures(evaluation.on_crops(Knowing(15), crops))
    assert missed['found'] == missed['iou'] == 0
    assert evaluation.constant_box(crops)['iou'] == pytest.approx(1), 'all faces lie alike'


def test_the_worst_come_first(tmp_path):
    crops = PhotoFaces(*write_cuts(tmp_path, 12))
    results = evaluation.on_crops(Knowing(0), crops) + evaluation.on_crops(Knowing(5), [crops[0]])
    worst = evaluation.worst(results, 2)
    assert worst[0].matches.iou[0] < 1 and worst[1].matches.spare == 1
    path = str(tmp_path / 'sheet.png')
    evaluation.save_sheet(path, worst)
    sheet = cv2.imread(path)
    assert sheet.shape == (208, 8 * 208, 3)
    assert (sheet[..., 1].astype(int) - sheet[..., 2] > 150).any(), 'a green box'
    with pytest.raises(UserError, match='cannot write'):
        evaluation.save_sheet(str(tmp_path / 'sheet.nonsense'), worst)


@pytest.mark.parametrize('arguments, told', [
    (['--limit', '0'], '--limit 0: give 1 or more'),
    (['--limit', '-3'], '--limit -3: give 1 or more'),
    (['--scenes', '-1'], '--scenes -1: give 0 or more'),
    (['--size', '0'], '--size 0: give 64 or more'),
    (['--threads', '0'], '--threads 0: give 1 or more'),
    (['--boxes', 'nope.jsonl'], 'box file nope.jsonl (No such file or directory): give the path')])
def test_mistakes_are_told_before_the_work(tmp_path, capsys, arguments, told):
    folder, boxes = write_cuts(tmp_path, 10)
    assert evaluation.main(['--detector', 'fixed', '--folder', folder, '--boxes', boxes,
                            *arguments]) == 2
    said = capsys.readouterr()
    assert told in said.err and not said.out and 'or boxes=None' not in said.err


def test_the_command(tmp_path, capsys):
    folder, boxes = write_cuts(tmp_path, 30)
    out = tmp_path / 'figures.json'
    status = evaluation.main(['--detector', 'fixed', '--folder', folder, '--boxes', boxes,
                              '--scenes', '4', '--size', '64', '--threads', '1',
                              '--out', str(out), '--sheet', str(tmp_path / 'sheet.png')])
    text = capsys.readouterr().out
    assert status == 0 and 'at IoU 0.5' in text and 'crops/s of 64 px, 1 threads' in text
    figures = json.loads(out.read_text())
    assert figures['detector']['detector'] == 'fixed' and figures['scenes']['images'] == 4
    assert f'{figures["crops"]["iou"]:.4f}' in text and (tmp_path / 'sheet.png').is_file()


def test_an_exported_file_predicts_the_same(tmp_path):
    weights, path = random_weights(rtmdet()), tmp_path / 'a.safetensors'
    before = {name: value.clone() for name, value in weights.items()}
    worst = exporting.export(rtmdet(), weights, str(path), 64, dict(steps=3), 'a test')
    assert 0 < worst < exporting.TOLERANCE
    with safe_open(str(path), framework='pt') as file:
        kinds = {len(file.get_slice(name).get_shape()) > 1: file.get_slice(name).get_dtype()
                 for name in file.keys()}  # noqa: SIM118
        assert kinds == {True: 'F16', False: 'F32'}
        assert not any('num_batches' in name for name in file.keys())  # noqa: SIM118
    detector = EmbeddedFaceDetector(weights=path)
    assert detector.input_size == 64 and detector.training == dict(steps=3)
    exporting.export(rtmdet(), weights, str(tmp_path / 'b.safetensors'), 64, {}, 'a test')
    other = EmbeddedFaceDetector(weights=tmp_path / 'b.safetensors')
    for one, two in zip(detector.detect(noise((64, 64))), other.detect(noise((64, 64)))):
        assert len(one) and np.array_equal(one.boxes, two.boxes)
    assert all(torch.equal(value, before[name]) for name, value in weights.items())


@pytest.mark.parametrize('arguments, packaged', [
    ([], True), (['--out', 'w/../w/face.safetensors'], True), (['--out', 'b.safetensors'], False)])
def test_the_onnx_file_of_the_package_has_to_follow(tmp_path, monkeypatch, capsys, arguments,
                                                    packaged):
    """It takes its weights from the file that the tool replaces."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'w').mkdir()
    monkeypatch.setattr(exporting, 'WEIGHTS', tmp_path / 'w' / 'face.safetensors')
    monkeypatch.setattr(exporting, 'load_checkpoint_safely', lambda path: {})
    monkeypatch.setattr(exporting, 'export', lambda model, weights, path, *_: float(
        open(path, 'w').write('') or .001))
    config = 'configs/face_detectors/rtmdet-micro_faces-224px.py'
    assert exporting.main([config, 'epoch_1.pth', *arguments, '--force']) == 0
    commands = [line.split()[2:] for line in capsys.readouterr().out.splitlines()
                if 'tools/export_onnx_detector.py' in line]
    assert bool(commands) == packaged and len(commands) < 2
    for command in commands:
        args = export_onnx_detector_parser().parse_args(command)
        assert (args.dst, args.share_weights, args.force) == ('w/face.onnx', True, True)


def test_weights_are_not_replaced_unasked(tmp_path, monkeypatch, capsys):
    own = tmp_path / 'own.safetensors'
    own.write_bytes(b'the former ones')
    monkeypatch.setattr(exporting, 'WEIGHTS', own)
    monkeypatch.setattr(exporting, 'load_checkpoint_safely', lambda path: {})
    monkeypatch.setattr(exporting, 'export', lambda *_: pytest.fail('too late to ask'))
    command = ['configs/face_detectors/rtmdet-micro_faces-224px.py', 'epoch_1.pth']
    for arguments, says in ((['--out', str(own)], 'add --force'), ([], 'add --force'),
                            (['--out', str(tmp_path)], 'ends in .safetensors'),
                            (['--input-size', '0', '--force'], '--input-size 0')):
        assert exporting.main([*command, *arguments]) == 2
        assert says in capsys.readouterr().err
    assert own.read_bytes() == b'the former ones'


def test_the_config_of_a_classifier_is_no_detector(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exporting, 'load_checkpoint_safely', lambda path: {})
    assert exporting.main(['configs/ssfer/rafdb_25pct.py', 'epoch_1.pth', '--out',
                           str(tmp_path / 'a.safetensors')]) == 2
    assert 'name the config of a face detector' in capsys.readouterr().err


def test_what_cannot_be_exported(tmp_path, monkeypatch):
    weights, path = random_weights(rtmdet()), tmp_path / 'a.safetensors'
    with pytest.raises(UserError, match='another architecture'):
        exporting.export(rtmdet(width=.25), weights, str(path), 64, {}, 'a.pth')
    with monkeypatch.context() as patch:
        patch.setattr(exporting, 'MAX_BYTES', 1000)
        with pytest.raises(UserError, match='make the network smaller'):
            exporting.export(rtmdet(), weights, str(path), 64, {}, 'a.pth')
    monkeypatch.setattr(exporting, 'TOLERANCE', 0.)
    with pytest.raises(UserError, match='half precision changes outputs'):
        exporting.export(rtmdet(), weights, str(path), 64, {}, 'a.pth')
    assert not path.exists()
