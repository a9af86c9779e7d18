"""Crops and flips of a batch, against OpenCV and the tracked transforms on each image."""
import math

import cv2
import mmcv
import numpy as np
import pytest
import torch

from ssfer_mm.models.device_views import Crops, cut, draw_crops, move_boxes
from ssfer_mm.transforms import (
    LoadFace,
    PackFace,
    TrackedRandomFlip,
    TrackedRandomResizedCrop,
)
from support.photos import photo


def batch(images):
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))


def one(left, top, width, height, flip=False):
    place = [torch.tensor([float(value)], dtype=torch.float64)
             for value in (left, top, width, height)]
    return Crops(*place, torch.tensor([flip]))


@pytest.mark.parametrize('shape, size', [((48, 48), 48), ((112, 112), 48), ((40, 64), 33),
                                         ((24, 20), 48)])
def test_pixels_are_those_of_opencv(shape, size):
    """To one grey level, at the crop's border too: OpenCV computes in whole numbers."""
    images = [cv2.resize(photo(seed), shape[::-1]) for seed in range(30)]
    images += list(np.random.default_rng(0).integers(0, 256, (10, *shape, 3), dtype=np.uint8))
    crops = draw_crops(40, shape, (0.2, 1.))
    ours = cut(batch(images), crops, size)
    assert torch.equal(ours, ours.round()) and ours.dtype == torch.float32
    for i, image in enumerate(images):
        left, top, width, height = (int(value[i]) for value in (
            crops.left, crops.top, crops.width, crops.height))
        expected = mmcv.imresize(image[top:top + height, left:left + width], (size, size),
                                 interpolation='bicubic')
        expected = expected[:, ::-1] if crops.flip[i] else expected
        error = np.abs(ours[i].numpy().transpose(1, 2, 0) - expected)
        assert error.max() <= 1 and error.mean() < 0.02, i
    assert 5 < int(crops.flip.sum()) < 35


def test_the_whole_face_at_its_own_size_is_itself():
    image = batch([photo(0, 48)])
    assert torch.equal(cut(image, one(0, 0, 48, 48), 48), image.float())
    assert torch.equal(cut(image, one(0, 0, 48, 48, True), 48), image.flip(3).float())


def test_pixels_beyond_the_crop_do_not_count():
    image = photo(0, 48)
    painted = np.full_like(image, 255)
    painted[10:40, 5:30] = image[10:40, 5:30]
    crop = one(5, 10, 25, 30)
    assert torch.equal(cut(batch([image]), crop, 48), cut(batch([painted]), crop, 48))


def test_boxes_go_where_the_tracked_transforms_carry_them():
    """The stock draws, replayed: NaN stays NaN, and boxes outside the view are not clipped."""
    loaded = [dict(img=photo(seed, 64), sample_id=str(seed), face_box=box) for seed, box in
              enumerate([(10., 12., 50., 60.), (0., 0., 64., 64.), (-5., 2., 70., 66.), None] * 6)]
    places, expected, boxes = [], [], []
    for item in loaded:
        crop, flip = TrackedRandomResizedCrop(48, crop_ratio_range=(0.2, 1.)), TrackedRandomFlip()
        drawn = []
        original = crop.rand_crop_params
        crop.rand_crop_params = lambda img: drawn.append(original(img)) or drawn[-1]  # noqa: B023
        result = flip(crop(LoadFace()(dict(item))))
        places.append((*drawn[0], result['flip']))
        expected.append(PackFace()(result)['data_samples'].face_box)
        boxes.append(item['face_box'] or (math.nan, ) * 4)
    top, left, height, width, flips = torch.tensor(places, dtype=torch.float64).T
    moved = move_boxes(torch.tensor(boxes), Crops(left, top, width, height, flips > 0), 48)
    torch.testing.assert_close(moved, torch.stack(expected), equal_nan=True, rtol=0, atol=1e-4)
    assert moved[3].isnan().all() and not moved[0].isnan().any()
    assert (moved[2::4, 0] < 0).all() and (moved[2::4, 2] > 48).all()
    assert 0 < int((flips > 0).sum()) < len(loaded)


def quantiles(values):
    return np.quantile(np.asarray(values, float), np.linspace(0.05, 0.95, 10))


@pytest.mark.parametrize('shape, ratios', [((48, 48), (0.5, 1.)), ((112, 90), (0.2, 1.))])
def test_draws_are_distributed_as_the_stock_ones(shape, ratios):
    """Sizes, shapes and places of 4000 crops of either kind: quantiles within 3 %."""
    stock = TrackedRandomResizedCrop(48, crop_ratio_range=ratios)
    image = np.zeros((*shape, 3), np.uint8)
    top, left, height, width = np.array([stock.rand_crop_params(image) for _ in range(4000)]).T
    ours = draw_crops(4000, shape, ratios)
    area = shape[0] * shape[1]
    room = [np.maximum(total - part, 1) for total, part in
            ((shape[0], height), (shape[1], width))]
    our_room = [np.maximum(total - part.numpy(), 1) for total, part in
                ((shape[0], ours.height), (shape[1], ours.width))]
    for theirs, mine in (
            (width * height / area, (ours.width * ours.height).numpy() / area),
            (np.log(width / height), (ours.width / ours.height).log().numpy()),
            (top / room[0], ours.top.numpy() / our_room[0]),
            (left / room[1], ours.left.numpy() / our_room[1])):
        np.testing.assert_allclose(quantiles(mine), quantiles(theirs), atol=0.03)
    assert 0.47 < ours.flip.double().mean() < 0.53
    assert (ours.left + ours.width <= shape[1]).all() and (ours.top + ours.height <= shape[0]).all()
    assert (ours.left >= 0).all() and (ours.top >= 0).all()


@pytest.mark.parametrize('shape', [(48, 48), (30, 90), (90, 30), (50, 60)])
def test_where_no_draw_fits_it_is_the_stock_central_crop(shape):
    stock = TrackedRandomResizedCrop(48, max_attempts=0)
    expected = stock.rand_crop_params(np.zeros((*shape, 3), np.uint8))
    for ratios, attempts in (((0.5, 1.), 0), ((9., 10.), 10)):
        ours = draw_crops(2, shape, ratios, max_attempts=attempts)
        for i in range(2):
            assert (ours.top[i], ours.left[i], ours.height[i], ours.width[i]) == expected


def test_a_flip_may_be_ruled_out_or_certain():
    assert not draw_crops(50, (48, 48), (0.5, 1.), flip_prob=0.).flip.any()
    assert draw_crops(50, (48, 48), (0.5, 1.), flip_prob=1.).flip.all()
