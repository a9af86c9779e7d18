"""Any mmdet config and checkpoint, with a network small enough to be random."""
import copy

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from ssfer_mm import UserError
from ssfer_mm.faces.detectors import MMDetFaceDetector
from ssfer_mm.faces.detectors import mmdet_model as building
from ssfer_mm.faces.detectors.mmdet import face_label
from support.detectors import noise, random_weights, rtmdet

pytest.importorskip('mmdet')

PIPELINE = [
    dict(type='LoadImageFromFile', backend_args=None),
    dict(type='Resize', scale=(96, 64), keep_ratio=True),
    dict(type='Pad', size_divisor=32, pad_val=dict(img=(114, 114, 114))),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'ori_shape', 'img_shape', 'scale_factor')),
]


def config(classes=1):
    return dict(model=rtmdet(classes), test_dataloader=dict(dataset=dict(pipeline=PIPELINE)))


@pytest.fixture(scope='module')
def weights():
    return random_weights(rtmdet())


@pytest.fixture(scope='module')
def checkpoint(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save(dict(state_dict={f'module.{k}': v for k, v in weights.items()}, meta={}), path)
    return str(path)


@pytest.fixture(scope='module')
def detector(checkpoint):
    return MMDetFaceDetector(config(), checkpoint, score_threshold=0.3, input_size=64)


def assert_same(one, other, scale=1., atol=1e-2):
    assert len(one) == len(other)
    for a, b in zip(one, other):
        assert len(a) == len(b) > 0
        np.testing.assert_allclose(a.boxes * scale, b.boxes, rtol=1e-3, atol=atol * scale)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-4)


def count_forwards(detector, monkeypatch):
    shapes = []
    forward = detector.model.test_step

    def counted(data):
        shapes.append(tuple(data['inputs'].shape))
        return forward(data)

    monkeypatch.setattr(detector.model, 'test_step', counted)
    return shapes


def test_an_image_has_the_same_faces_in_any_batch(detector, monkeypatch):
    images = noise((64, 64), (100, 40), (48, 48), (30, 200), (64, 64))
    alone = [detector.detect([image])[0] for image in images]
    monkeypatch.setattr(detector, 'batch_size', 3)
    shapes = count_forwards(detector, monkeypatch)
    assert_same(detector.detect(images), alone)
    assert shapes == [(3, 3, 64, 64), (2, 3, 64, 64)], 'one forward per batch'
    assert detector.detect([]) == []


def test_faces_are_sorted_thresholded_and_in_raw_pixels(detector):
    (small, ) = noise((64, 48))
    large = small.repeat(3, 0).repeat(3, 1)  # shrinks to exactly the same pixels
    one, other = detector.detect([small, large])
    assert_same([one], [other], scale=3)
    assert (np.diff(one.scores) <= 0).all() and one.scores.min() >= 0.3


def test_boxes_are_not_cut_off_at_the_edge(detector):
    (image, ) = noise((64, 64))
    boxes = detector.detect([image])[0].boxes
    assert boxes[:, :2].min() < 0 and boxes[:, 2:].max() > 64


def test_the_speed_up_changes_no_prediction(weights):
    pixels = torch.rand(2, 3, 64, 64)
    plain = building.build_model(rtmdet(), 'a test').eval()
    fast = building.build_model(rtmdet(), 'a test')
    for model in (plain, fast):
        building.load_weights(model, weights, 'a test')
    building.prepare_to_predict(fast)
    assert sum(isinstance(m, torch.nn.BatchNorm2d) for m in fast.backbone.modules()) == 0
    assert not fast.training and not any(p.requires_grad for p in fast.parameters())
    with torch.no_grad():
        for ours, theirs in zip(fast(pixels), plain(pixels)):
            for a, b in zip(ours, theirs):
                torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_low_scores_may_be_dropped_before_suppression(checkpoint, detector):
    low = MMDetFaceDetector(config(), checkpoint, score_threshold=0.0, input_size=64)
    images = noise((64, 64), (48, 64))
    for many, few in zip(low.detect(images), detector.detect(images)):
        kept = many.scores >= 0.3
        assert kept.sum() == len(few)
        np.testing.assert_allclose(many.boxes[kept], few.boxes, rtol=1e-4, atol=1e-3)


def test_own_pipeline_is_mmdets_inference(checkpoint, weights, monkeypatch):
    """Image by image through mmdet's own code, against one forward per size."""
    from mmcv.transforms import Compose

    detector = MMDetFaceDetector(config(), checkpoint, score_threshold=0.3)
    images = noise((64, 64), (80, 40), (48, 48), (30, 200))
    model = building.build_model(rtmdet(), 'a test').eval()
    model.bbox_head.bbox_coder.clip_border = False
    building.load_weights(model, weights, 'a test')
    with DefaultScope.overwrite_default_scope('mmdet'):
        pipeline = Compose([dict(type='LoadImageFromNDArray'), *PIPELINE[1:]])
    shapes = count_forwards(detector, monkeypatch)
    found = detector.detect(images)
    # (96, 64) bounds the longer and the shorter side; padded to multiples of 32.
    assert shapes == [(2, 3, 64, 64), (1, 3, 96, 64), (1, 3, 32, 96)]
    for image, faces in zip(images, found):
        packed = pipeline(dict(img=image, img_id=0))
        with torch.no_grad():
            result = model.test_step(dict(inputs=[packed['inputs']],
                                          data_samples=[packed['data_samples']]))[0]
        theirs = result.pred_instances[result.pred_instances.scores >= 0.3]
        assert len(theirs) == len(faces) > 0
        np.testing.assert_allclose(faces.boxes, theirs.bboxes.numpy(), rtol=1e-3, atol=1e-2)


def test_a_pipeline_that_leaves_a_huge_image_huge(checkpoint):
    cfg = config()
    cfg['test_dataloader']['dataset']['pipeline'] = [PIPELINE[0], PIPELINE[-1]]
    detector = MMDetFaceDetector(cfg, checkpoint)
    with pytest.raises(UserError, match='20000 x 5000 pixels, too large.*input_size'):
        detector.detect([np.zeros((5000, 20000, 3), np.uint8)])


def test_the_default_scope_is_left_alone(checkpoint, detector):
    for scope in ('mmpretrain', 'mmengine'):
        with DefaultScope.overwrite_default_scope(scope):
            before = dict(DefaultScope._instance_dict)
            MMDetFaceDetector(config(), checkpoint).detect(noise((64, 64)))
            assert DefaultScope.get_current_instance().scope_name == scope
            assert DefaultScope._instance_dict.keys() == before.keys()


def test_the_callers_config_is_left_alone(checkpoint):
    cfg = config()
    before = copy.deepcopy(cfg)
    MMDetFaceDetector(cfg, checkpoint)
    assert cfg == before


def test_only_the_face_class_counts(tmp_path):
    weights = random_weights(rtmdet(3))
    for level in range(3):  # class 1 wins everywhere
        weights[f'bbox_head.rtm_cls.{level}.bias'] = torch.tensor([-9., 3., -9.])
    path = tmp_path / 'three.pth'
    names = ('person', 'Face', 'dog')
    torch.save(dict(state_dict=weights, meta=dict(dataset_meta=dict(classes=names))), path)
    images = noise((64, 64))

    def found(face_class):
        return MMDetFaceDetector(config(3), str(path), face_class=face_class,
                                 input_size=64).detect(images)[0]

    assert len(found(None)) > 0 and len(found('dog')) == 0
    for choice in ('face', 1):
        assert_same([found(choice)], [found(None)])


@pytest.mark.parametrize('wanted, names, count, expected', [
    (None, (), 1, 0),
    (None, ('person', ), 1, 0),  # the published COCO-face model calls its only class so
    (None, ('a', 'b'), 1, 0),  # names of another training
    ('FACE', ('hand', 'face'), 2, 1),
    (1, (), 2, 1),
    (3, (), None, 3),
    (2, (), 2, 'give an index below 2'),
    (-1, (), 2, 'face_class is -1'),
    ('nose', ('hand', 'face'), 2, r"2 classes \(hand, face\), but face_class is 'nose'"),
    (None, ('hand', 'foot'), 2, "none known as 'face'; give face_class"),
    (None, ('face', 'x'), 80, 'no names'),
    (None, (), None, 'unknown number'),
])
def test_which_class_is_a_face(wanted, names, count, expected):
    if isinstance(expected, int):
        assert face_label(wanted, names, count, 'm') == expected
    else:
        with pytest.raises(UserError, match=expected):
            face_label(wanted, names, count, 'm')


def test_description(checkpoint, tmp_path):
    path = tmp_path / 'my_faces.py'
    path.write_text(f'model = {config()["model"]!r}\ntest_pipeline = {PIPELINE!r}\n')
    detector = MMDetFaceDetector(path, checkpoint, score_threshold=0.4)
    described = detector.describe()
    assert described.pop('weights_sha256') == detector.sha256 and len(detector.sha256) == 64
    assert described == dict(detector='mmdet:my_faces', weights='tiny.pth', score_threshold=0.4,
                             nms_iou=0.65, input_size=None)
    assert len(detector.detect(noise((64, 64)))) == 1


def test_uint8_views_of_any_memory_layout(detector):
    (image, ) = noise((64, 64))
    flipped = image[:, ::-1]
    assert_same(detector.detect([flipped]), detector.detect([flipped.copy()]))
    assert_same(detector.detect([cv2.flip(image, 1)]), detector.detect([flipped]))


# ---- what can go wrong --------------------------------------------------------------------


def fails(message, cfg=None, checkpoint=None, **options):
    with pytest.raises(UserError, match=message) as error:
        MMDetFaceDetector(cfg or config(), checkpoint, **options)
    assert '\n' not in str(error.value)


def test_config_without_a_checkpoint():
    fails("the config rtmdet comes without weights.*checkpoint='FILE.pth'")


def test_missing_files(checkpoint):
    fails('mmdet config nowhere.py not found', 'nowhere.py', checkpoint)
    fails('Checkpoint nowhere.pth not found', None, 'nowhere.pth')


def test_checkpoint_of_another_architecture(tmp_path, weights):
    path = tmp_path / 'a.pth'
    other = {k: v for k, v in weights.items() if 'stem.0' not in k}
    torch.save(dict(other, extra=torch.zeros(1)), path)
    fails(r'a\.pth holds weights of another architecture than its config: '
          r'\d+ missing \(first: backbone.stem.0.conv.weight\), 1 unexpected \(first: extra\)',
          None, str(path))
    torch.save(dict(state_dict=random_weights(rtmdet(width=0.25))), path)
    fails(r'of another shape \(first: backbone.stem.0.conv.weight \(8, 3, 3, 3\) instead of '
          r'\(4, 3, 3, 3\)\)', None, str(path))


def test_configs_that_are_none(checkpoint, tmp_path):
    fails('holds no model', dict(data=1), checkpoint)
    fails('test pipeline; give the detector an input_size', dict(model=rtmdet()), checkpoint)
    fails('mmdet cannot build the model of nosuchnet.*NoSuchNet', dict(
        model=dict(type='NoSuchNet')), checkpoint)
    path = tmp_path / 'broken.py'
    path.write_text('model = dict(')
    fails('broken.py cannot be read', path, checkpoint)


def test_mmdet_not_installed(checkpoint, monkeypatch):
    find = building.importlib.util.find_spec
    monkeypatch.setattr(building.importlib.util, 'find_spec',
                        lambda name, *a: None if name == 'mmdet' else find(name, *a))
    fails(r'needs mmdet, which is not installed. Run: pip install .*\[(onedl|openmmlab)\]"', None,
          checkpoint)
