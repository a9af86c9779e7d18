"""FER+ votes as soft targets of labeled images, and of no others."""
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpretrain.registry import MODELS

from reference.votes import vote_shares
from ssfer_mm import UserError
from ssfer_mm import expressions as ex
from ssfer_mm.datasets import FERDataset, FERPlus, Sample, SemiSupervisedDataset, collate_sources
from ssfer_mm.datasets.ferplus import vote_label, vote_scores
from ssfer_mm.images.name import ImageName
from support import layouts
from support.models import preprocessor

LABELED = [dict(type='LoadFace'), dict(type='PackFace')]
UNLABELED = [dict(type='LoadFace'), dict(type='WeakStrongViews', weak=[], strong=[]),
             dict(type='PackViews')]


@pytest.mark.parametrize('votes, min_votes, expected, why', [
    ([8, 2, 0, 0, 0, 0, 0, 0, 0, 0], 2, dict(neutral=.8, happiness=.2), 'shares of ten'),
    ([8, 1, 1, 0, 0, 0, 0, 0, 0, 0], 2, dict(neutral=1), 'single votes are outliers'),
    ([8, 1, 1, 0, 0, 0, 0, 0, 0, 0], 1, dict(neutral=.8, happiness=.1, surprise=.1), 'all count'),
    ([0, 0, 0, 0, 3, 0, 3, 0, 2, 2], 2, dict(anger=.5, fear=.5), 'unknown and NF do not count'),
    ([0, 1, 1, 0, 0, 0, 0, 0, 0, 0], 2, dict(happiness=.5, surprise=.5), 'nothing else is left'),
    ([0, 3, 3, 0, 0, 0, 0, 2, 0, 0], 5, dict(happiness=.5, surprise=.5), 'the winners stay'),
])
def test_vote_scores(votes, min_votes, expected, why):
    assert dict(zip(ex.FERPLUS8, vote_scores(votes, min_votes))) == pytest.approx(
        {name: expected.get(name, 0) for name in ex.FERPLUS8}), why


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 10), min_size=10, max_size=10), st.integers(1, 4))
def test_against_crossing_out_ballots(votes, min_votes):
    label = vote_label(votes) if any(votes) else None
    if label is None:
        return
    scores = vote_scores(votes, min_votes)
    assert dict(zip(ex.FERPLUS8, scores)) == pytest.approx(vote_shares(votes, min_votes))
    assert scores[label] == max(scores), 'the label has the highest score'


@pytest.mark.parametrize('style', ['folders', 'csv'])
def test_items_carry_them_and_keep_label_and_split(tmp_path, style):
    layouts.make_ferplus(tmp_path, 3, 1, 1, style=style)
    hard, soft = FERPlus(str(tmp_path)), FERPlus(str(tmp_path), targets='votes')
    assert soft.ids() == hard.ids() and (soft.labels() == hard.labels()).all()
    assert 'gt_score' not in hard[0]
    for index, (id_, label) in enumerate(zip(soft.ids(), soft.labels())):
        votes = layouts.votes_for(ex.FERPLUS8[label], int(id_[3:10]))
        scores = soft[index]['gt_score']
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, vote_scores(votes), atol=1e-6)


def test_an_image_that_nobody_saw_an_expression_in_has_no_scores(tmp_path):
    layouts.make_ferplus(tmp_path, 1, 1, 1)
    with open(tmp_path / 'FER2013Train' / 'label.csv', 'a', encoding='utf-8') as file:
        file.write('fer0000999.png,"(0, 0, 48, 48)",0,0,0,0,0,0,0,0,4,6\n')
    assert FERPlus(str(tmp_path), targets='votes').ids() == FERPlus(str(tmp_path)).ids()


def semi(root, **options):
    data = dict(type='FERPlus', data_root=str(root), **options)
    return SemiSupervisedDataset(data, LABELED, UNLABELED, dict(per_class=2, seed=0),
                                 extra_unlabeled=[dict(data, subset='valid')])


def test_they_reach_the_targets_of_labeled_images_and_nothing_else(tmp_path):
    layouts.make_ferplus(tmp_path, 3, 1, 1)
    hard, soft = semi(tmp_path), semi(tmp_path, targets='votes')
    assert soft.split == hard.split
    n_labeled = soft.source_sizes[0]
    items = [soft[index] for index in range(len(soft))]
    for item in items[n_labeled:]:
        assert isinstance(item['data_samples'], ImageName)
    prepared = MODELS.build(preprocessor(8, facemix=dict(type='FaceMix', label_smoothing=0)))(
        collate_sources(items[:n_labeled]), training=True)['inputs']
    votes = [layouts.votes_for(ex.FERPLUS8[int(item['data_samples'].gt_label)],
                               int(item['data_samples'].sample_id[3:10]))
             for item in items[:n_labeled]]
    expected = torch.tensor([vote_scores(row) for row in votes])
    torch.testing.assert_close(prepared['targets'], expected)
    assert (prepared['targets'].max(1).values < 1).any(), 'else this shows nothing'
    mixed = prepared['facemix']
    torch.testing.assert_close(
        mixed.mixed_targets, mixed.lam * expected + (1 - mixed.lam) * expected.flip(0))
    assert mixed.targets is prepared['targets']


@pytest.mark.parametrize('options, message', [
    (dict(targets='vote'), "targets is 'majority' or 'votes', got 'vote'"),
    (dict(targets='votes', min_votes=0), 'min_votes is 0, expected a whole number of 1'),
    (dict(targets='votes', min_votes=1.5), 'min_votes is 1.5, expected a whole number of 1'),
])
def test_arguments_out_of_range(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        FERPlus(str(tmp_path), **options)


@pytest.mark.parametrize('scores', [(1., ), (.5, .6), (1.5, -.5), (float('nan'), 1)])
def test_a_dataset_cannot_give_scores_that_are_no_shares(scores):
    class TwoFaces(FERDataset):
        METAINFO = dict(dataset_name='TwoFaces', classes=('joy', 'fear'))

        def load_samples(self):
            return [Sample(id='1', label=0, path='1.png', scores=scores)]

    with pytest.raises(UserError, match="'1' has the scores .*expected 2 shares"):
        TwoFaces(None)


def test_votes_of_noisy_raters_are_softer_than_the_winner(tmp_path):
    layouts.make_ferplus(tmp_path, 3, 1, 1)
    soft = FERPlus(str(tmp_path), targets='votes', min_votes=1)
    sizes = Counter(int((soft[i]['gt_score'] > 0).sum()) for i in range(len(soft)))
    assert max(sizes) >= 2
