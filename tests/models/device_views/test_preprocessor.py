"""Device views where the model meets them: in the data preprocessor."""
import contextlib

import numpy as np
import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from ssfer_mm import UserError
from ssfer_mm.apis import load_config
from ssfer_mm.models import DeviceViews, FaceMixBatch
from ssfer_mm.models.device_views import component, draw_crops
from ssfer_mm.transforms import whole_pipeline
from support.models import MEAN, STD, preprocessor
from support.photos import photo

VIEWS = dict(type='DeviceViews', size=16, crop_ratio_range=(0.5, 1.))
STILL = dict(type='DeviceViews', size=24, crop_ratio_range=(1., 1.), aspect_ratio_range=(1., 1.),
             flip_prob=0., rand_augment=dict(num_policies=0))


def build(facemix=None, **options):
    return MODELS.build(dict(preprocessor(facemix=facemix), **options))


def faces(count, seed=0):
    images = np.stack([photo(seed + k, 24) for k in range(count)])
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())


def batch(labeled=4, unlabeled=6, box=(4., 4., 20., 20.)):
    samples = [DataSample().set_gt_label(k % 3) for k in range(labeled)]
    for sample in samples:
        sample.set_field(torch.tensor(box), 'face_box')
    data = dict(inputs=dict(labeled=faces(labeled)), data_samples=dict(labeled=samples))
    if unlabeled:
        data['inputs']['unlabeled'] = faces(unlabeled, 50)
        data['data_samples']['unlabeled'] = [DataSample() for _ in range(unlabeled)]
    return data


def pixels(inputs):
    """Back to BGR, 0-255."""
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    return (inputs * std + mean).flip(1)


def test_outside_of_training_faces_stay_whole():
    data = batch()
    size = data['inputs']['labeled'].shape
    inputs = build(views=VIEWS)(data, training=False)['inputs']
    assert inputs['labeled'].shape == size and 'weak' not in inputs


def test_the_model_sees_what_it_always_sees():
    inputs = build(views=VIEWS)(batch(), training=True)['inputs']
    assert set(inputs) == {'labeled', 'weak', 'strong', 'targets'}
    for key, count in (('labeled', 4), ('weak', 6), ('strong', 6)):
        assert inputs[key].shape == (count, 3, 16, 16) and inputs[key].dtype == torch.float32
    assert inputs['targets'].argmax(1).tolist() == [0, 1, 2, 0]


def test_without_randomness_the_faces_come_through_normalized():
    data = batch()
    inputs = build(views=STILL)(data, training=True)['inputs']
    for key, source in (('labeled', 'labeled'), ('weak', 'unlabeled'), ('strong', 'unlabeled')):
        torch.testing.assert_close(pixels(inputs[key]), data['inputs'][source].float(),
                                   atol=1e-3, rtol=0)


def test_weak_and_strong_are_drawn_apart_and_only_strong_is_augmented():
    views = DeviceViews(24, (1., 1.), (1., 1.), flip_prob=0.)
    made = views.unlabeled(faces(64))
    assert torch.equal(made['weak'], faces(64).float())
    changed = (made['strong'] != made['weak']).flatten(1).any(1).double().mean()
    assert 0.55 < changed < 0.95, 'three quarters, less what changes nothing'
    made = DeviceViews(24, (0.3, 0.9), rand_augment=dict(num_policies=0)).unlabeled(faces(64))
    assert not any(torch.equal(*pair) for pair in zip(made['weak'], made['strong']))


def test_the_teacher_may_see_the_whole_of_faces_that_the_student_sees_parts_of():
    views = DeviceViews(24, (0.3, 0.6), (1., 1.), flip_prob=0., weak_crop_ratio_range=(1., 1.),
                        rand_augment=dict(num_policies=0))
    made, (_, crops) = views.unlabeled(faces(8)), views.labeled(faces(8))
    assert torch.equal(made['weak'], faces(8).float())
    assert (crops.width < 20).all()
    for view, face in zip(made['strong'], faces(8).float()):
        assert not torch.equal(view, face)


def test_weak_views_are_drawn_apart_and_lie_view_after_view():
    still = DeviceViews(24, (1., 1.), (1., 1.), flip_prob=0., weak_views=3)
    made = still.unlabeled(faces(5))
    assert torch.equal(made['weak'], faces(5).float().repeat(3, 1, 1, 1))
    assert len(made['strong']) == 5
    first, second = DeviceViews(24, (0.3, 0.9), weak_views=2).unlabeled(faces(64))['weak'].chunk(2)
    assert not any(torch.equal(*pair) for pair in zip(first, second))


def test_facemix_gets_boxes_in_pixels_of_the_views():
    """Of whole faces blown up to 24/24 there is nothing to move; of a crop of all, a flip is."""
    still = build(dict(type='FaceMix'), views=dict(STILL, flip_prob=1.))
    seen = {}
    still.facemix.mix = lambda images, targets, boxes: seen.update(boxes=boxes)
    still(batch(unlabeled=0, box=(2., 4., 10., 20.)), training=True)
    assert seen['boxes'].tolist() == [[14., 4., 22., 20.]] * 4
    torch.manual_seed(3)
    crops = draw_crops(4, (24, 24), (0.5, 1.))
    small = build(dict(type='FaceMix'), views=VIEWS)
    small.facemix.mix = still.facemix.mix
    torch.manual_seed(3)
    small(batch(unlabeled=0), training=True)
    width = seen['boxes'][:, 2] - seen['boxes'][:, 0]
    torch.testing.assert_close(width, (16 * 16 / crops.width).float())


def test_facemix_mixes_the_views_and_unknown_boxes_stay_unknown():
    whole = build(dict(type='FaceMix'), views=VIEWS)(
        batch(unlabeled=0, box=(float('nan'), ) * 4), training=True)['inputs']
    assert isinstance(whole['facemix'], FaceMixBatch)
    assert whole['facemix'].images is whole['labeled'] and whole['facemix'].missing.all()


def test_data_samples_are_left_as_they_are():
    """A batch may be used twice, as by a benchmark."""
    data = batch(unlabeled=0)
    build(dict(type='FaceMix'), views=VIEWS)(data, training=True)
    assert data['data_samples']['labeled'][0].face_box.tolist() == [4, 4, 20, 20]
    assert torch.equal(data['inputs']['labeled'], faces(4))


def test_evaluation_is_untouched():
    plain = dict(inputs=faces(3), data_samples=[DataSample().set_gt_label(k) for k in range(3)])
    ours, theirs = (build(views=views)(dict(plain), training=False) for views in (VIEWS, None))
    assert torch.equal(ours['inputs'], theirs['inputs']) and ours['inputs'].shape[-1] == 24


def test_the_same_seed_makes_the_same_views_whatever_was_drawn_before():
    model, made = build(views=VIEWS), []
    for before in (0, 7):
        torch.rand(before)
        torch.manual_seed(11)
        made.append(model(batch(), training=True)['inputs'])
    assert all(torch.equal(made[0][key], made[1][key]) for key in made[0])
    torch.manual_seed(12)
    other = model(batch(), training=True)['inputs']
    assert not torch.equal(other['strong'], made[0]['strong'])


def test_neither_draws_nor_the_order_of_work_ask_the_device(monkeypatch):
    """A device without contents: to read a value from it, as a GPU would be waited for, raises."""
    monkeypatch.setattr(component, '_full_precision', lambda faces: contextlib.nullcontext())
    views, states = DeviceViews(16), []
    for device in ('cpu', 'meta'):
        torch.manual_seed(2)
        made = views.unlabeled(faces(64).to(device))
        weak, _ = views.labeled(faces(4).to(device))
        assert weak.device.type == made['strong'].device.type == device
        assert made['strong'].shape == (64, 3, 16, 16)
        states.append(torch.get_rng_state())
    assert torch.equal(*states), 'what is drawn depends on the device'


def test_mixed_precision_leaves_the_pixels_alone():
    """mmengine calls the preprocessor under autocast, where matrix products have 8 bits."""
    torch.manual_seed(4)
    expected = DeviceViews(16).unlabeled(faces(16))
    torch.manual_seed(4)
    with torch.autocast('cpu', torch.bfloat16):
        ours = DeviceViews(16).unlabeled(faces(16))
    assert torch.equal(ours['weak'], expected['weak'])
    assert torch.equal(ours['strong'], expected['strong'])


def test_views_that_are_made_twice():
    data = batch(unlabeled=0)
    data['inputs'].update(weak=faces(2), strong=faces(2))
    with pytest.raises(UserError, match='whole_faces.*data_preprocessor.views=None'):
        build(views=VIEWS)(data, training=True)


def test_views_that_nobody_makes():
    with pytest.raises(UserError, match='data_preprocessor.views.*unlabeled_pipeline'):
        build()(batch(), training=True)


def test_four_options_make_of_a_config_what_the_shipped_one_is():
    options = {'train_dataloader.dataset.whole_faces': 48,
               'data_preprocessor.views.type': 'DeviceViews',
               'data_preprocessor.views.size': 48,
               'data_preprocessor.views.crop_ratio_range': [0.5, 1.0]}
    changed = load_config('configs/ssfer/ferplus_25pct_resnet-nano_hard-crops.py', options)
    shipped = load_config('configs/ssfer/ferplus_25pct_vit-micro.py')
    ours, theirs = (MODELS.build(cfg.data_preprocessor).views for cfg in (changed, shipped))
    assert (ours.size, ours.cropping) == (theirs.size, theirs.cropping)
    for name, value in vars(theirs.rand_augment).items():
        assert torch.equal(torch.as_tensor(getattr(ours.rand_augment, name)),
                           torch.as_tensor(value)), name
    data, size = changed.train_dataloader.dataset, 48
    for source, pack in (('labeled', 'PackFace'), ('unlabeled', 'PackUnlabeled')):
        load, *rest = whole_pipeline(data[f'{source}_pipeline'], size, pack)
        assert load.pop('cache_gb')  # what the shipped one keeps are finished items
        assert [load, *rest] == shipped.train_dataloader.dataset[f'{source}_pipeline']


@pytest.mark.parametrize('options, match', [
    (dict(size=0), 'size must be a whole number >= 2'),
    (dict(size=16, crop_ratio_range=(1., 0.5)), 'crop_ratio_range'),
    (dict(size=16, crop_ratio_range=(0.2, 3.)), r'each of crop_ratio_range must be .* \(0, 1\]'),
    (dict(size=16, crop_ratio_range=(0.5, True)), 'crop_ratio_range .* got True'),
    (dict(size=16, aspect_ratio_range=(1., float('inf'))), 'aspect_ratio_range .* got inf'),
    (dict(size=16, crop_ratio_range=0.5), 'crop_ratio_range .* got 0.5'),
    (dict(size=16, crop_ratio_range=('a', 'b')), 'crop_ratio_range'),
    (dict(size=16, aspect_ratio_range=(0., 1.)), 'aspect_ratio_range'),
    (dict(size=16, flip_prob=2), 'flip_prob'),
    (dict(size=16, weak_views=0), 'weak_views must be a whole number >= 1'),
    (dict(size=16, weak_views=1.5), 'weak_views must be a whole number >= 1'),
    (dict(size=16, rand_augment=False), 'rand_augment is a dict .* got False; .*num_policies=0'),
    (dict(size=16, rand_augment='timm_increasing'), "rand_augment is a dict .*'timm_increasing'"),
    (dict(size=16, rand_augment=dict(hparams=dict(pad_val=128))),
     "no setting 'hparams'; it takes policies, .*, pad_val"),
    *((dict(size=16, rand_augment={name: value}), words) for name, value, words in (
        ('magnitude_level', 'high', "magnitude_level must be a number >= 0, got 'high'"),
        ('magnitude_level', float('inf'), 'magnitude_level must be a number >= 0, got inf'),
        ('magnitude_std', 'infinite', "magnitude_std must be a number or 'inf', got 'infinite'"),
        ('magnitude_std', float('nan'), "magnitude_std must be a number or 'inf', got nan"),
        ('total_level', 0, 'total_level must be a number > 0'),
        ('num_policies', 1.5, 'num_policies must be a whole number >= 1'),
        ('num_policies', -1, 'num_policies must be a whole number >= 1'),
        ('pad_val', (0, 0, 256), r'each of pad_val must be a number in \[0, 255\]'),
        ('policies', 'timm', 'BatchRandAugment: Invalid policies, .*timm_increasing'),
        ('policies', ['Rotate'], 'policies must be a list of dict'),
        ('policies', [], 'policies is empty; .* num_policies=0'),
        ('policies', [dict(type='Rotat')], 'Invalid policy type "Rotat"'))),
])
def test_settings_out_of_range(options, match):
    with pytest.raises(UserError, match=match):
        DeviceViews(**options)
