"""Exported files predict what mmpretrain predicts, say what they are, and need nothing of ours."""
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS

from ssfer_mm import UserError
from ssfer_mm.apis.export import exporters
from ssfer_mm.apis.export.export_model import export_model, faces_of, main
from ssfer_mm.model_files.classifier import build_classifier, probabilities, resize_faces
from ssfer_mm.model_files.described import Options, describe
from ssfer_onnx import OnnxClassifier
from support.models import MEAN, STD, resnet, vit

CLASSES = ('sadness', 'fear', 'anger')
ROOT = Path(__file__).resolve().parents[3]


def checkpoint(folder, classifier, size=16, spread=0.3):
    """A converted-looking checkpoint of a classifier whose weights are all unusual."""
    classifier['data_preprocessor'] = dict(type='ClsDataPreprocessor', mean=MEAN, std=STD,
                                           num_classes=3, to_rgb=True)
    model = MODELS.build(classifier)
    for parameter in model.parameters():
        parameter.data += spread * torch.randn_like(parameter)
    for name, buffer in model.named_buffers():
        if name.endswith('running_mean'):
            buffer += spread * torch.randn_like(buffer)
    meta = dict(format='ssfer_mm model 1', model=classifier, input_size=[size, size],
                dataset_meta=dict(classes=CLASSES))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), folder / 'model.pth')
    return folder / 'model.pth'


@pytest.fixture
def faces():
    return faces_of('', 5)


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    """model.pth and model.onnx, written by the command line."""
    folder = tmp_path_factory.mktemp('exported')
    torch.manual_seed(0)
    # Made before the fixture that sets it for every test.
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        source = checkpoint(folder, vit())
    assert main([str(source), str(folder / 'model.onnx'), '--num-faces', '4']) == 0
    return folder


def expected_of(path, faces):
    described = describe(path)
    return probabilities(build_classifier(described), resize_faces(faces, described)).numpy()


def test_onnx_predicts_the_same_for_any_batch(exported, faces):
    expected = expected_of(exported / 'model.pth', faces)
    assert expected.std(axis=0).max() > 1e-3, 'faces that all look alike prove nothing'
    model = OnnxClassifier(exported / 'model.onnx', batch_size=3)
    assert model.classes == CLASSES
    np.testing.assert_allclose(model.predict(faces), expected, atol=1e-5)
    np.testing.assert_allclose(model.predict(faces[:1]), expected[:1], atol=1e-5)


def test_onnx_says_what_it_is(exported):
    model = onnx.load(exported / 'model.onnx')
    facts = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert facts['classes'] == list(CLASSES) and facts['input_size'] == [16, 16]
    assert facts['mean'] == MEAN and facts['std'] == STD and 'RGB' in facts['input']
    assert [entry.version for entry in model.opset_import if not entry.domain] == [18]
    assert facts['opset'] == 18
    batch, *rest = model.graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param and [dim.dim_value for dim in rest] == [3, 16, 16]
    assert str(ROOT).encode() not in (exported / 'model.onnx').read_bytes()
    assert sorted(file.name for file in exported.iterdir()) == [
        'model.onnx', 'model.onnx.md', 'model.pth'], 'weights are inside; nothing half-written'


PREDICT = '''
import sys

class Blocked:
    """Only numpy, opencv and onnxruntime are installed."""
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain', 'mmdet',
                                  'ssfer_mm', 'PIL', 'safetensors', 'onnx', 'matplotlib', 'timm'):
            raise ImportError(name + ' is not installed')

sys.meta_path.insert(0, Blocked())
try:
    import torch
except ImportError:
    pass
else:
    sys.exit('the block does not work')
import numpy as np
from ssfer_onnx import OnnxClassifier
faces = list(np.load(sys.argv[2]))
np.save(sys.argv[3], OnnxClassifier(sys.argv[1], threads=1).predict(faces))
'''


def test_predicts_where_neither_torch_nor_openmmlab_is(exported, faces, tmp_path):
    np.save(tmp_path / 'faces.npy', np.stack(faces))
    subprocess.run([sys.executable, '-c', PREDICT, str(exported / 'model.onnx'),
                    str(tmp_path / 'faces.npy'), str(tmp_path / 'out.npy')],
                   check=True, cwd=ROOT, timeout=120)
    np.testing.assert_allclose(np.load(tmp_path / 'out.npy'),
                               expected_of(exported / 'model.pth', faces), atol=1e-5)


@pytest.mark.parametrize('classifier, suffix', [(vit, '.pt2'), (resnet, '.torchscript')])
def test_torch_formats(classifier, suffix, faces, tmp_path):
    source, target = checkpoint(tmp_path, classifier()), tmp_path / f'model{suffix}'
    assert export_model(describe(source), target, faces) < 1e-5
    images = resize_faces(faces, describe(source)).flip(1).float()
    with torch.no_grad():
        found = exporters.FORMATS[suffix][2](target)(images)
    np.testing.assert_allclose(found.numpy(), expected_of(source, faces), atol=1e-5)
    files = {'facts.json': ''}
    if suffix == '.pt2':
        torch.export.load(target, extra_files=files)
    else:
        torch.jit.load(target, _extra_files=files)
    assert json.loads(files['facts.json'])['classes'] == list(CLASSES)
    with zipfile.ZipFile(target) as archive:
        for name in archive.namelist():
            assert str(ROOT).encode() not in archive.read(name), f'{name} names our folder'


# What trains with branches and normalizations that are one layer afterwards: backbone, head.
MERGED = {
    'RepVGG': (dict(arch=dict(num_blocks=[1] * 4, width_factor=[0.125] * 4, group_layer_map=None,
                              se_cfg=None)), dict(in_channels=64)),
    'MobileOne': (dict(arch=dict(num_blocks=[1] * 4, width_factor=[0.125] * 4,
                                 num_conv_branches=[2] * 4, num_se_blocks=[0, 0, 0, 1])),
                  dict(in_channels=64)),
    'RepLKNet': (dict(arch=dict(large_kernel_sizes=[5] * 4, layers=[1] * 4, channels=[8] * 4,
                                small_kernel=3, dw_ratio=1.)), dict(in_channels=8)),
    'RepMLPNet': (dict(arch=dict(channels=[8] * 4, depths=[1] * 4, sharesets_nums=[1] * 4),
                       img_size=32, reparam_conv_kernels=(1,)), dict(in_channels=8)),
    'RIFormer': (dict(arch=dict(layers=[1] * 4, embed_dims=[4, 8, 12, 16],
                                mlp_ratios=[2] * 4, layer_scale_init_value=0.1)),
                 dict(in_channels=16)),
    'LeViT': (dict(arch='128s', img_size=64),
              dict(type='LeViTClsHead', in_channels=384, distillation=False)),
}


@pytest.mark.parametrize('name', MERGED)
def test_branches_are_merged(name, faces, tmp_path):
    backbone, head = MERGED[name]
    source = checkpoint(tmp_path, dict(
        type='ImageClassifier', backbone=dict(backbone, type=name),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(dict(type='LinearClsHead', num_classes=3), **head)),
        size=backbone.get('img_size', 32), spread=0.05)
    described, target = describe(source), tmp_path / 'model.torchscript'
    assert export_model(described, target, faces) < 1e-5
    trained = build_classifier(described).state_dict()
    assert len(torch.jit.load(target).state_dict()) < len(trained)


def test_an_opset_that_torch_does_not_write(faces, tmp_path):
    source = checkpoint(tmp_path, vit())
    with pytest.raises(UserError, match='opset 3, torch .* wrote 18; give --opset 18'):
        export_model(describe(source), tmp_path / 'model.onnx', faces, opset=3)
    assert not (tmp_path / 'model.onnx').exists()


def test_a_file_that_predicts_something_else_is_not_kept(faces, tmp_path, monkeypatch):
    def write(network, example, path, facts, opset):
        network.channel_mean += 1
        exporters.export_torchscript(network, example, path, facts, opset)

    monkeypatch.setitem(exporters.FORMATS, '.torchscript', ('x', write, exporters.run_torchscript))
    with pytest.raises(UserError, match='differ from the classifier'):
        export_model(describe(checkpoint(tmp_path, vit())), tmp_path / 'm.torchscript', faces)
    assert [file.name for file in tmp_path.iterdir()] == ['model.pth']


def test_a_name_will_do_and_no_card_is_an_option(faces, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / 'work_dirs' / 'run'
    run.mkdir(parents=True)
    checkpoint(tmp_path, vit()).rename(run / 'classifier_semi.pth')
    (run / 'classifier.py').write_text('')
    assert main(['run', 'm.torchscript', '--no-card', '--num-faces', '2']) == 0
    assert not list(tmp_path.glob('m*.md')) and (tmp_path / 'm.torchscript').is_file()
    assert main(['rum', 'n.torchscript']) == 2


def test_a_card_is_not_replaced_unasked(faces, tmp_path, capsys):
    source, card = checkpoint(tmp_path, vit()), tmp_path / 'm.torchscript.md'
    card.write_text('written by hand')
    command = [str(source), str(tmp_path / 'm.torchscript'), '--num-faces', '2']
    assert main(command) == 2
    assert f'{card} exists' in capsys.readouterr().err
    assert card.read_text() == 'written by hand' and not (tmp_path / 'm.torchscript').exists()
    assert main([*command, '--no-card']) == 0
    assert main([*command, '--force']) == 0 and '## Training data' in card.read_text()


def test_channels_of_a_model_that_wants_bgr(faces, tmp_path):
    source = checkpoint(tmp_path, vit())
    described = describe(source, Options(mean=(10., 60., 200.)))
    described.model['data_preprocessor']['to_rgb'] = False
    assert export_model(described, tmp_path / 'm.torchscript', faces) < 1e-5


@pytest.mark.parametrize('ending', ['torchscript', 'pt2'])
def test_windows_of_a_swin_in_any_batch(ending, faces, tmp_path):
    swin = dict(type='SwinTransformer', img_size=16, patch_size=2, window_size=4, out_indices=(1, ),
                arch=dict(embed_dims=8, depths=[2, 1], num_heads=[1, 1]))
    parts = dict(resnet(), backbone=swin)
    parts['head']['in_channels'] = 16
    described = describe(checkpoint(tmp_path, parts))
    assert export_model(described, tmp_path / f'm.{ending}', faces) < 1e-5


@pytest.mark.parametrize('ending', ['torchscript', 'pt2'])
def test_windows_of_a_mixmim_in_any_batch(ending, faces, tmp_path):
    mixmim = dict(type='MixMIMTransformer', img_size=16, window_size=[2, 1, 1, 1], patch_size=2,
                  arch=dict(embed_dims=4, depths=[1] * 4, num_heads=[1] * 4))
    parts = dict(resnet(), backbone=mixmim, neck=None)
    described = describe(checkpoint(tmp_path, parts))
    assert export_model(described, tmp_path / f'm.{ending}', faces) < 1e-5


def test_a_network_that_torch_cannot_write_as_onnx(faces, tmp_path, monkeypatch):
    """As torch 2.6 cannot, where there is batch normalization."""
    def export(*args, **kwargs):
        raise torch.onnx.errors.OnnxExporterError('step 3/3') from AttributeError('no dtype')

    monkeypatch.setattr(torch.onnx, 'export', export)
    source = checkpoint(tmp_path, vit())
    with pytest.raises(UserError, match=r'\(no dtype\).* newer torch, or export to .torchscript'):
        export_model(describe(source), tmp_path / 'm.onnx', faces)
    assert not (tmp_path / 'm.onnx').exists()


@pytest.mark.parametrize('arguments, message', [
    (['m.engine'], r'ends in .onnx or .torchscript or .pt2'),
    (['model.onnx'], 'exists; choose another name, or add --force'),
    (['m.onnx', '--faces', 'nowhere'], 'no such folder'),
    (['m.onnx', '--num-faces', '0'], 'expected 1 or more'),
    (['m.onnx', '--img-size', '12'], 'the closest is 16'),
])
def test_wrong_arguments(arguments, message, exported, monkeypatch, capsys):
    monkeypatch.chdir(exported)
    assert main(['model.pth', *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert re.search(message, error)


def test_the_card_does_not_say_where_the_faces_lie(faces, tmp_path):
    private = tmp_path / 'anna'
    private.mkdir()
    cv2.imwrite(str(private / 'face.png'), faces[0])
    source = checkpoint(tmp_path, vit())
    assert main([str(source), str(tmp_path / 'm.torchscript'), '--faces', str(private)]) == 0
    card = (tmp_path / 'm.torchscript.md').read_text()
    assert 'on 1 given face' in card and 'anna' not in card and str(tmp_path) not in card


def test_faces_of_a_folder_are_what_data_sets_take_for_images(tmp_path):
    face = np.full((8, 8, 3), 9, np.uint8)
    (tmp_path / 'some' / 'empty').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'some' / '1.pgm'), face[..., 0])
    (tmp_path / 'some' / '._1.png').write_bytes(b'the resource fork of a Mac')
    assert np.array_equal(faces_of(str(tmp_path), 5), [face])
    with pytest.raises(UserError, match='no images'):
        faces_of(str(tmp_path / 'some' / 'empty'), 5)
