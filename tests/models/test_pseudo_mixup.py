"""Mixing by confidence, image by image."""
import pytest
import torch
from mmpretrain.registry import BATCH_AUGMENTS

from ssfer_mm import UserError
from ssfer_mm.models import PseudoLabels, PseudoMixup, one_hot


def batch(images=5):
    pseudo = PseudoLabels(torch.tensor([0, 1, 2, 0, 1])[:images],
                          torch.tensor([1., 0., 0., .5, 1.])[:images],
                          torch.tensor([.9, .6, .5, .75, 1.])[:images],
                          torch.full((images, 3), 1 / 3))  # not looked at
    return torch.rand(images, 3, 4, 4), one_hot(pseudo.labels, 3), pseudo


def test_the_surer_one_shows_more():
    images, targets, pseudo = batch()
    before = images.clone()
    mixed = BATCH_AUGMENTS.build(dict(type='PseudoMixup')).mix(images, targets, pseudo)
    for i in range(5):
        j = (i + 1) % 5
        share = float(pseudo.confidence[i] / (pseudo.confidence[i] + pseudo.confidence[j]))
        torch.testing.assert_close(mixed.images[i], share * images[i] + (1 - share) * images[j])
        target = torch.zeros(3)
        target[pseudo.labels[i]] += share
        target[pseudo.labels[j]] += 1 - share
        torch.testing.assert_close(mixed.targets[i], target)
        assert mixed.weights[i] == max(pseudo.weights[i], pseudo.weights[j])
    assert torch.equal(images, before)


def test_no_mixture_is_there_twice():
    images, targets, pseudo = batch(4)
    mixed = PseudoMixup().mix(images, targets, pseudo).images.flatten(1)
    assert torch.cdist(mixed, mixed).add(torch.eye(4)).min() > 0.1


def test_a_drawn_ratio_decides_with_the_confidence():
    images, targets, pseudo = batch()
    mixup = PseudoMixup(alpha=0.05)  # nearly all or nothing
    shares = torch.stack([mixup.mix(images, targets, pseudo).targets.amax(1) for _ in range(50)])
    assert (shares > 0.95).float().mean() > 0.7
    torch.manual_seed(3)
    one = mixup.mix(images, targets, pseudo)
    torch.manual_seed(3)
    assert torch.equal(mixup.mix(images, targets, pseudo).images, one.images)


def test_each_image_has_a_ratio_of_its_own():
    images, _, pseudo = batch()
    pseudo = pseudo._replace(confidence=torch.full((5, ), 0.5))
    shares = PseudoMixup(alpha=1.).mix(images, torch.eye(5), pseudo).targets.diagonal()
    assert len(shares.unique()) == 5


def test_mixtures_of_equals_are_the_image_itself():
    images, targets, pseudo = batch(1)
    mixed = PseudoMixup().mix(images, targets, pseudo)
    torch.testing.assert_close(mixed.images, images)


def test_settings_out_of_range():
    with pytest.raises(UserError, match='alpha'):
        PseudoMixup(alpha=0)
