"""Rejected views that fill a batch up: how many, which, and that they teach nothing."""
import pytest
import torch

from ssfer_mm.models.kept_views import SIZES, kept_views
from support.ssfer_steps import build, gradients, losses_of, semi_batch


@pytest.mark.parametrize('labeled, unlabeled', [(4, 6), (1, 2), (32, 224), (8, 8), (32, 128),
                                                (33, 100), (0, 5), (64, 448)])
def test_all_accepted_and_as_few_rejected_as_sizes_allow(labeled, unlabeled):
    sizes = set()
    for accepted in range(unlabeled + 1):
        weights = torch.zeros(unlabeled)
        weights[torch.randperm(unlabeled)[:accepted]] = 1.
        kept = kept_views(weights, labeled)
        assert len(set(kept.tolist())) == len(kept) and weights[kept].sum() == accepted
        assert len(kept) - accepted < max(1, (labeled + unlabeled + SIZES - 1) // SIZES)
        sizes.add(labeled + len(kept))
    assert len(sizes) <= SIZES + 1 and labeled + unlabeled in sizes, 'one more: labeled alone'


def test_small_batches_are_not_filled_up():
    weights = torch.tensor([0., 1., 0., 1., 1.])
    assert kept_views(weights, beside=8).tolist() == [1, 3, 4]


def test_the_surest_come_first_and_any_weight_counts():
    weights = torch.tensor([0.2, 0., 1e-6, 0.9, 0.])
    assert kept_views(weights, beside=8).tolist() == [3, 0, 2]


@pytest.mark.parametrize('beside, least, expected', [(1, 2, 1), (0, 2, 2), (2, 2, 0), (1, 0, 0),
                                                     (0, 9, 3)])
def test_a_batch_may_need_so_many_images(beside, least, expected):
    assert len(kept_views(torch.zeros(3), beside, least)) == expected


def test_what_fills_a_batch_up_changes_neither_losses_nor_gradients():
    model, data = build(), semi_batch(labeled=8, unlabeled=120)
    weak = model.data_preprocessor(data, True)['inputs']['weak']
    confidence = model.probabilities(weak)[0].amax(1).sort().values
    model.pseudo_label.threshold = float((confidence[60] + confidence[61]) / 2)
    seen, results = [], []
    model.student.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    for skip in (True, False):
        model.skip_rejected = skip
        model.zero_grad()
        losses = losses_of(model, data)
        (losses['loss_labeled'] + losses['loss_unlabeled']).backward()
        results.append((losses['loss_unlabeled'].item(), gradients(model)))
    assert int(model.last_pseudo_labels['accepted'].sum()) == 59
    assert seen == [68, 128], '67 images become a multiple of 4'
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    for name, gradient in results[0][1].items():
        torch.testing.assert_close(gradient, results[1][1][name], rtol=1e-3, atol=1e-6)
