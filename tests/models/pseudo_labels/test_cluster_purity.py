"""Cluster purity against loops, and what it means."""
import pytest
import torch

from reference import clusters as slow
from ssfer_mm import UserError
from ssfer_mm.models import ClusterPurity, ConfidenceThreshold, LabeledPredictions
from ssfer_mm.models.kmeans import kmeans, nearest
from support.rules import build_rule, features_of, judge, labeled_predictions, opinions

OPTIONS = dict(clusters=4, bank=30, refit_every=20, iterations=3, purity=0.6, threshold=0.7)


def draws(clusters, points, seed=0):
    return torch.empty(clusters, points).exponential_(
        generator=torch.Generator().manual_seed(seed)).tolist()


def islands(images, spread=0.05, seed=0):
    """Unit features (N, 5) around three axes, and which axis each is near."""
    draw = torch.Generator().manual_seed(seed)
    island = torch.arange(images) % 3
    return torch.eye(5)[island] + spread * torch.randn(images, 5, generator=draw), island


def filled(says, images=60, **options):
    """A rule whose bank holds islands, of which ``says(island)`` are the class shares."""
    rule = build_rule(type='ClusterPurity', clusters=3, bank=images, **options)
    features, island = islands(images)
    labeled = LabeledPredictions(says(island)[:3], says(island)[:3], features[:3])
    rule(says(island)[3:], labeled, features[3:])
    return rule


# ---- k-means --------------------------------------------------------------------------------


def test_kmeans_is_a_loop():
    points = torch.randn(25, 4)
    centers = kmeans(points, 5, 4, seed=3)
    expected = slow.kmeans(points.tolist(), draws(5, 25, seed=3), 4)
    torch.testing.assert_close(centers, torch.tensor(expected), rtol=1e-4, atol=1e-5)
    assert nearest(points, centers).tolist() == [slow.closest(p, expected)
                                                 for p in points.tolist()]


@pytest.mark.parametrize('seed', range(5))
def test_kmeans_finds_islands_in_any_order(seed):
    points, island = islands(30, seed=seed)
    order = torch.randperm(30)
    found = [nearest(points, kmeans(some, 3, 5, seed)) for some in (points, points[order])]
    for one in found:
        assert len(set(zip(island.tolist(), one.tolist()))) == 3, 'one cluster, one island'


def test_kmeans_of_fewer_places_than_clusters_is_finite():
    points = torch.ones(8, 2)
    assert torch.equal(kmeans(points, 4, 3, seed=0), torch.ones(4, 2))


def test_kmeans_leaves_the_generator_of_the_run_alone():
    before = torch.random.get_rng_state()
    kmeans(torch.arange(12.).view(6, 2), 2, 2, seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)


# ---- the rule ---------------------------------------------------------------------------------


def test_acceptance_is_that_of_a_loop():
    rule, batches, labeled = build_rule(type='ClusterPurity', **OPTIONS), opinions(), \
        labeled_predictions()
    labels, weights, _ = judge(rule, batches, labeled)
    expected = slow.purity(
        [(rows.tolist(), features_of(rows).tolist(), seen.targets.tolist(),
          seen.features.tolist()) for rows, seen in zip(batches, labeled)],
        draws(4, 30), 30, 20, 3, 0.6, 0.7)
    assert (weights > 0).tolist() == expected
    assert labels.tolist() == torch.cat(batches).argmax(1).tolist()
    # The rule differs from a threshold once the bank is full, and both ways.
    sure = torch.cat([ConfidenceThreshold(0.7)(rows).weights for rows in batches])
    assert torch.equal(sure[:16], weights[:16])
    assert {-1., 1.} <= set((weights - sure)[16:].tolist())


def test_before_the_bank_is_full_the_threshold_itself_is_enough():
    rule = build_rule(type='ClusterPurity', threshold=0.5)
    rows, labeled = torch.tensor([[.5, .25, .25], [.25, .375, .375]]), labeled_predictions(1)[0]
    assert rule(rows, labeled, features_of(rows)).weights.tolist() == [1, 0]


def test_pure_clusters_are_accepted_and_mixed_ones_are_not():
    def says(island):
        # Island 0 shows class 0, island 1 class 1; on island 2 both are said, half and half.
        half = torch.arange(len(island)) // 3 % 2
        return torch.eye(3)[torch.where(island == 2, half, island)]

    rule = filled(says, purity=0.9)
    features, island = islands(12, seed=1)
    unsure = 0.4 * torch.eye(3)[island.clamp(max=1)] + 0.2
    labeled = LabeledPredictions(unsure[:1], unsure[:1], features[:1])
    judged = rule(unsure, labeled, features)
    assert judged.weights.tolist() == (island < 2).float().tolist(), 'a threshold takes none'
    assert judged.labels.tolist() == island.clamp(max=1).tolist()


def test_a_cluster_as_pure_as_can_be_reaches_a_purity_of_one():
    rule = filled(lambda island: torch.eye(3)[island], purity=1.0, refit_every=10**6)
    features, island = islands(6, seed=1)
    opinion = torch.eye(3)[island]
    labeled = LabeledPredictions(opinion[:1], opinion[:1], features[:1])
    assert rule(opinion, labeled, features).weights.all()


def test_a_cluster_does_not_overrule_the_teacher():
    rule = filled(lambda island: torch.eye(3)[island])
    features, island = islands(6, seed=1)
    contrary = torch.eye(3)[(island + 1) % 3]
    labeled = LabeledPredictions(contrary[:1], contrary[:1], features[:1])
    assert not rule(contrary, labeled, features).weights.any()


def test_labels_of_labeled_images_count_not_what_the_teacher_says_of_them():
    rule = build_rule(type='ClusterPurity', clusters=3, bank=60)
    features, island = islands(60)
    truth = torch.eye(3)[island]
    rule(truth[:1], LabeledPredictions(torch.full((59, 3), 1 / 3), truth[1:], features[1:]),
         features[:1])
    assert rule.shares.amax(1).tolist() == [1, 1, 1]


def test_the_order_of_a_batch_does_not_matter():
    rule = filled(lambda island: torch.eye(3)[island], purity=0.5, refit_every=10**6)
    state = {name: value.clone() for name, value in rule.state_dict().items()}
    rows, labeled = opinions(1)[0], labeled_predictions(1)[0]
    order = torch.randperm(len(rows))
    first = rule(rows, labeled, features_of(rows))
    rule.load_state_dict(state)
    second = rule(rows[order], labeled, features_of(rows)[order])
    for one, other in zip(first, second):
        assert torch.equal(one[order], other)


def test_the_scale_of_features_does_not_matter():
    rows, labeled = opinions(), labeled_predictions()
    results = []
    for scale in (1, 8):
        rule = build_rule(type='ClusterPurity', **OPTIONS)
        results.append(torch.cat([
            rule(some, seen._replace(features=scale * seen.features),
                 scale * features_of(some)).weights for some, seen in zip(rows, labeled)]))
    assert torch.equal(*results)


def test_mixed_precision_changes_nothing():
    states = []
    for enabled in (False, True):
        rule = build_rule(type='ClusterPurity', **OPTIONS)
        batches, labeled = opinions(), labeled_predictions()
        features = [features_of(rows) for rows in batches]
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            states.append([torch.cat([rule(*some).weights
                                      for some in zip(batches, labeled, features)]),
                           *rule.state_dict().values()])
    assert all(torch.equal(one, other) for one, other in zip(*states))


def test_old_images_leave_the_bank():
    rule = build_rule(type='ClusterPurity', clusters=2, bank=12)
    batches, labeled = opinions(3), labeled_predictions(3)
    judge(rule, batches, labeled)
    kept = torch.cat([batches[2], labeled[2].targets])
    assert torch.equal(rule.bank[:, 5:], kept) and int(rule.seen) == 36


def test_a_batch_must_fit_into_the_bank():
    rule = build_rule(type='ClusterPurity', clusters=2, bank=11)
    with pytest.raises(UserError, match='12 images.*model.pseudo_label.bank'):
        judge(rule, opinions(1), labeled_predictions(1))


@pytest.mark.parametrize('options, word', [
    (dict(purity=0), 'purity'), (dict(purity=1.1), 'purity'), (dict(threshold=0), 'threshold'),
    (dict(clusters=0), 'clusters'), (dict(bank=31), 'bank'), (dict(refit_every=0), 'refit_every'),
    (dict(iterations=0), 'iterations')])
def test_settings_out_of_range(options, word):
    with pytest.raises(UserError, match=word):
        ClusterPurity(**options)
