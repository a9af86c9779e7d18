"""Boxes found in the augmented batch: what FaceMix makes of them, and what stays out of them."""
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmpretrain.registry import DATASETS, MODELS, TRANSFORMS
from mmpretrain.structures import DataSample

from ssfer_mm import UserError
from ssfer_mm.faces.detectors import FaceDetector, Faces
from ssfer_mm.models.online_boxes import OnlineBoxes
from support.detectors import PAINT, PaintDetector, save_embedded
from support.models import preprocessor, ssfer

SIZE = 96


def build(detector, **options):
    options = dict(dict(facemix=dict(type='FaceMix')), **options)
    return MODELS.build(dict(preprocessor(8), box_source='online', detector=detector, **options))


@pytest.fixture(scope='module')
def painted_views():
    """SynthFER faces whose true box was painted over, through a training pipeline."""
    dataset = DATASETS.build(dict(type='mmpretrain.SynthFER', subset='train', num_images=24,
                                  cache_dir=None, boxes='dataset'))
    crop = dict(type='mmpretrain.TrackedRandomResizedCrop', scale=SIZE, crop_ratio_range=(0.2, 1.0))
    flip, pack = dict(type='mmpretrain.TrackedRandomFlip'), dict(type='mmpretrain.PackFace')
    pipeline = Compose([TRANSFORMS.build(step) for step in (crop, flip, pack)])
    load = TRANSFORMS.build(dict(type='mmpretrain.LoadFace'))
    np.random.seed(3)
    items = []
    for index in range(len(dataset)):
        item = load(dataset.get_data_info(index))
        item['img'] = item['img'].copy()
        x1, y1, x2, y2 = np.round(item['face_box']).astype(int).clip(0)
        item['img'][y1:y2, x1:x2] = PAINT
        item['face_box'] = np.array([x1, y1, x2, y2], np.float32)
        items.append(pipeline(item))
    return dict(inputs=dict(labeled=torch.stack([item['inputs'] for item in items])),
                data_samples=dict(labeled=[item['data_samples'] for item in items]))


def mix(model, data):
    np.random.seed(0)  # lam
    return model(data, training=True)['inputs']['facemix']


def test_tracked_and_online_boxes_agree(painted_views):
    """A perfect detector of the visible face finds the IoUs that tracked boxes give."""
    tracked = mix(MODELS.build(preprocessor(8, dict(type='FaceMix'))), painted_views)
    online = mix(build(PaintDetector()), painted_views)
    assert tracked.iou.std() > 0.1, 'otherwise agreement would mean nothing'
    assert online.missing.tolist() == tracked.missing.tolist()
    assert (tracked.iou - online.iou).abs().mean() < 0.02
    assert (tracked.iou - online.iou).abs().max() < 0.06
    assert torch.equal(tracked.mixed, online.mixed)


def test_where_they_differ(painted_views):
    """A detector cannot see what the crop cut off; a tracked box reaches as far as the face."""
    facemix = dict(type='FaceMix', extent='full')
    tracked = mix(MODELS.build(preprocessor(8, facemix)), painted_views)
    online = mix(build(PaintDetector(), facemix=facemix), painted_views)
    assert (tracked.iou - online.iou).abs().max() > 0.1


@pytest.mark.parametrize('to_rgb', [True, False])
def test_the_detector_sees_uint8_bgr_views(painted_views, to_rgb):
    """Not normalized and not mixed; turned round where the batch is RGB."""
    detector = PaintDetector()
    views = painted_views['inputs']['labeled']
    data = dict(painted_views, inputs=dict(labeled=views if to_rgb else views.flip(1)))
    result = mix(build(detector, to_rgb=to_rgb), data)
    assert len(detector.seen) == len(views) and detector.seen[0].dtype == np.uint8
    for seen, view in zip(detector.seen, views):
        np.testing.assert_array_equal(seen, view.permute(1, 2, 0).numpy())
    assert not result.missing.all()


class Counting(FaceDetector):
    """Finds ``n`` faces in image ``n``."""
    name = 'counting'

    def detect(self, images):
        return [Faces(np.tile(np.array([[8, 8, 40, 40]], np.float32), (n, 1)),
                      np.ones(n, np.float32)) for n in range(len(images))]

    def describe(self):
        return {}


def test_no_face_or_several_is_no_box():
    boxes = OnlineBoxes(Counting())(torch.zeros(4, 3, 48, 48, dtype=torch.uint8),
                                    torch.device('cpu'))
    assert boxes.isnan().all(dim=1).tolist() == [True, False, True, True]
    assert boxes[1].tolist() == [8, 8, 40, 40] and boxes.dtype == torch.float32


def test_the_missing_rule_applies(painted_views):
    assert mix(build(Counting()), painted_views).missing.sum() == 23


@pytest.mark.parametrize('training, unlabeled', [(False, False), (True, True)])
def test_it_runs_for_facemix_only(painted_views, training, unlabeled):
    detector = PaintDetector()
    data = dict(painted_views, inputs=dict(painted_views['inputs']))
    if unlabeled:
        data['inputs']['weak'] = data['inputs']['labeled']
    build(detector)(data, training=training)
    assert detector.seen == []
    assert build(detector, facemix=None).online_boxes is None


@pytest.mark.parametrize('options, message', [
    (dict(box_source='offline'), "'tracked' or 'online', got 'offline'"),
    (dict(detector='fixed'), "a detector is given, but box_source is 'tracked'"),
    (dict(box_source='online', facemix=dict(type='FaceMix'), detector='fix'), 'no face detector'),
])
def test_settings_that_do_not_fit(options, message):
    with pytest.raises(UserError, match=message):
        MODELS.build(dict(preprocessor(8), **options))


@pytest.fixture
def network(tmp_path):
    pytest.importorskip('mmdet')
    return dict(type='EmbeddedFaceDetector', weights=str(save_embedded(tmp_path / 'a.safetensors')),
                score_threshold=0.9)


@pytest.fixture
def model(network):
    config = ssfer(facemix=dict(type='FaceMix'))
    config['data_preprocessor'].update(box_source='online', detector=network)
    return MODELS.build(config)


def small_batch():
    labels = torch.tensor([0, 1, 2, 0])
    samples = [DataSample().set_gt_label(label) for label in labels]
    views = torch.randint(256, (4, 3, 16, 16), dtype=torch.uint8)
    return dict(inputs=dict(labeled=views), data_samples=dict(labeled=samples))


def test_it_is_no_part_of_the_model(model):
    plain = MODELS.build(ssfer(facemix=dict(type='FaceMix')))
    assert list(model.state_dict()) == list(plain.state_dict())
    for kind in ('named_parameters', 'named_buffers', 'named_modules'):
        assert [n for n, _ in getattr(model, kind)()] == [n for n, _ in getattr(plain, kind)()]
    model.train()
    assert not model.data_preprocessor.online_boxes.detector.model.training


def test_the_detector_follows_the_preprocessors_device(model):
    detector = model.data_preprocessor.online_boxes.detector
    moves = []
    detector.to = lambda device: moves.append(torch.device(device)) or detector
    model.data_preprocessor(small_batch(), training=True)
    assert moves == [model.data_preprocessor.device]


def test_mixed_precision_leaves_boxes_alone(network):
    online = OnlineBoxes(dict(network, score_threshold=0.0))
    views = small_batch()['inputs']['labeled']
    plain = online.detector.detect(list(views.permute(0, 2, 3, 1).numpy()))
    with torch.autocast('cpu', torch.bfloat16):
        mixed = online.detector.detect(list(views.permute(0, 2, 3, 1).numpy()))
    for a, b in zip(plain, mixed):
        assert len(a) > 0 and np.array_equal(a.boxes, b.boxes)


def test_distributed_training_step(model, tmp_path):
    """One process of a distributed run: a step trains the student and not the detector."""
    detector = model.data_preprocessor.online_boxes.detector
    before = {n: v.clone() for n, v in detector.model.state_dict().items()}
    student = [p.clone() for p in model.student.parameters()]
    torch.distributed.init_process_group('gloo', f'file://{tmp_path}/rendezvous', rank=0,
                                         world_size=1)
    try:
        wrapped = MMDistributedDataParallel(model, find_unused_parameters=False)
        wrapped.train()
        optimizer = torch.optim.SGD([p for p in wrapped.parameters() if p.requires_grad], 0.1)
        losses = wrapped.train_step(small_batch(), OptimWrapper(optimizer))
    finally:
        torch.distributed.destroy_process_group()
    assert torch.isfinite(losses['loss'])
    assert any(not torch.equal(a, b) for a, b in zip(student, model.student.parameters()))
    after = detector.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
