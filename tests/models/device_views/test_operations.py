"""Every operation of RandAugment on a batch, against mmpretrain's transform on each image."""
import cv2
import numpy as np
import pytest
import torch
from mmpretrain.datasets.transforms import RandAugment
from mmpretrain.registry import TRANSFORMS

from ssfer_mm import UserError
from ssfer_mm.models.device_views import BatchRandAugment, Layer
from ssfer_mm.models.device_views.rand_augment import KNOWN, NOTHING
from support.photos import photo

PAD = (103, 117, 150)
POLICIES = dict(zip(
    ('AutoContrast', 'Equalize', 'Invert', 'Rotate', 'Posterize', 'Solarize', 'SolarizeAdd',
     'ColorTransform', 'Contrast', 'Brightness', 'Sharpness', 'Shear horizontal',
     'Shear vertical', 'Translate horizontal', 'Translate vertical'),
    RandAugment('timm_increasing', 2, 9).policies))
AMOUNTS = dict(Rotate='angle', Posterize='bits', Solarize='thr')
WARPED = [name for name in POLICIES if name.startswith(('Rotate', 'Shear', 'Translate'))]
COLOURED = [name for name in POLICIES if name not in WARPED]
SHARES = (0., 0.26, 0.81, 1.)
FACES = np.stack([
    *(photo(seed, 48) for seed in range(8)),
    *np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8),
    *(np.repeat(photo(seed, 48)[..., :1] // 3 + 60, 3, axis=2) for seed in range(2)),  # dull, grey
    np.full((48, 48, 3), 7, np.uint8),  # one value: nothing to stretch or even out
])


def stock(name, amount):
    """mmpretrain's transform with its magnitude fixed, always applied."""
    policy = POLICIES[name]
    settings = dict(type=policy['type'], prob=1.)
    if 'direction' in policy:
        settings['direction'] = policy['direction']
    if 'magnitude_range' in policy:
        settings[AMOUNTS.get(name, 'magnitude')] = amount
        if policy['type'] not in ('Posterize', 'Solarize', 'SolarizeAdd'):
            settings['random_negative_prob'] = 0.
    if name in WARPED:
        settings.update(pad_val=PAD, interpolation='bicubic')
    return TRANSFORMS.build(settings)


def amounts(name):
    policy = POLICIES[name]
    low, high = policy.get('magnitude_range', (0, 0))
    both = policy['type'] not in ('Posterize', 'Solarize', 'SolarizeAdd')
    return sorted({sign * (low + share * (high - low))
                   for share in SHARES for sign in ((1, -1) if both else (1,))})


def one_by_one(name, amount, faces=FACES):
    return np.stack([stock(name, amount)(dict(img=face.copy()))['img'] for face in faces])


def batch(faces=FACES):
    return torch.from_numpy(np.ascontiguousarray(faces.transpose(0, 3, 1, 2))).float()


def layer(names, magnitudes):
    numbers = [NOTHING if name is None else KNOWN.index(name) for name in names]
    return Layer(torch.tensor(numbers), torch.tensor(magnitudes, dtype=torch.float64))


def apply(images, *layers):
    changed = BatchRandAugment(pad_val=PAD).apply(images, layers)
    return changed.numpy().transpose(0, 2, 3, 1)


def difference(ours, theirs):
    assert np.array_equal(ours, ours.round()) and 0 <= ours.min() and ours.max() <= 255
    return np.abs(ours - theirs.astype(float))


def exact_sum(one, share, other, rest, more):
    """``cv2.addWeighted`` of whole numbers, to a millionth, and rounded where they are uint8."""
    total = np.round(one.astype(float) * share + other.astype(float) * rest + more, 6)
    return total.round().clip(0, 255).astype(one.dtype) if one.dtype == np.uint8 else total


def test_all_policies_are_known():
    assert set(POLICIES) == set(KNOWN)


@pytest.mark.parametrize('name', COLOURED)
def test_colors_are_those_of_mmcv(name, monkeypatch):
    """Tables that need no rounding are exact; elsewhere a value may be rounded the other way."""
    # mmcv cuts off sums of float32; where the true one is whole (a grey that stays as it is), it
    # depends on the version of OpenCV whether its sum comes out just below.
    monkeypatch.setattr('cv2.addWeighted', exact_sum)
    exact = name in ('Equalize', 'Invert', 'Posterize', 'Solarize', 'SolarizeAdd', 'Brightness')
    for amount in amounts(name):
        ours = apply(batch(), layer([name] * len(FACES), [amount] * len(FACES)))
        error = difference(ours, one_by_one(name, amount))
        assert error.max() <= (0 if exact else 1), (amount, error.max())
        assert error.mean() < 0.05


@pytest.mark.parametrize('name', WARPED)
def test_warps_are_those_of_opencv(name):
    """OpenCV rounds places to 1/32 pixel: up to that far along the steepest slope we may differ."""
    for amount in amounts(name):
        ours = apply(batch(), layer([name] * len(FACES), [amount] * len(FACES)))
        error = difference(ours, one_by_one(name, amount))
        noisy = (np.arange(len(FACES)) >= 8) & (np.arange(len(FACES)) < 11)  # steeper than faces
        assert error[~noisy].max() <= 4 and error[~noisy].mean() < 0.2, amount
        assert error[noisy].max() <= 10 and error[noisy].mean() < 1, amount


@pytest.mark.parametrize('name', WARPED)
def test_warps_of_images_that_are_not_square(name):
    faces = np.stack([cv2.resize(photo(seed), (64, 40)) for seed in range(4)])
    amount = amounts(name)[1]
    error = difference(apply(batch(faces), layer([name] * 4, [amount] * 4)),
                       one_by_one(name, amount, faces))
    assert error.max() <= 4 and error.mean() < 0.2


def test_each_image_gets_its_own_operation_and_magnitude():
    """A mixed batch, in two layers of which the second sees what the first has done."""
    noise = np.random.default_rng(1)
    names = [*POLICIES, None, *POLICIES]
    faces = np.stack([photo(seed, 48) for seed in range(len(names))])
    layers, expected = [], list(faces)
    for _ in range(2):
        order = noise.permutation(names)
        magnitudes = [0. if name is None else noise.choice(amounts(name)) for name in order]
        layers.append(layer(order, magnitudes))
        for i, (name, magnitude) in enumerate(zip(order, magnitudes)):
            if name is not None:
                expected[i] = stock(name, float(magnitude))(dict(img=expected[i].copy()))['img']
    ours = apply(batch(faces), *layers)
    error = difference(ours, np.stack(expected)).reshape(len(names), -1)
    # Posterizing and solarizing make large steps of small differences, in few pixels.
    assert (error > 4).mean() < 0.02 and np.median(error.max(axis=1)) <= 4


def test_an_image_to_which_nothing_is_done_is_untouched():
    assert np.array_equal(apply(batch(), layer([None] * len(FACES), [0.] * len(FACES))), FACES)


@pytest.mark.parametrize('policies, match', [
    ([dict(type='Cutout', magnitude_range=(0, 20))], 'does not know the policy Cutout'),
    ([dict(type='Rotate', angle=30.)], 'remove angle'),
    ([dict(type='SolarizeAdd', magnitude_range=(0, 110), thr=100)], 'magnitude_range'),
])
def test_policies_that_have_no_batch_form(policies, match):
    with pytest.raises(UserError, match=match):
        BatchRandAugment(policies=policies)


def test_a_padding_of_two_values():
    with pytest.raises(UserError, match='one value or three'):
        BatchRandAugment(pad_val=(1, 2))
