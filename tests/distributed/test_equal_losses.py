"""Any number of processes with the same joint batch sees the same images and losses."""
from collections import Counter

import pytest

from support.processes import together
from support.world import figures_and_ids, stage_one, two_stages

TOLERANCE = 1e-5
# Of their loops: labeled and unlabeled images in the batch of all processes.
STAGES = dict(II=(0, 21, 8, 0), III=(21, 42, 4, 4))


def run(make, folder, world, **options):
    cfg = make(folder / f'run{world}', world, **options)
    return together(world, figures_and_ids, folder / f'world{world}', cfg)


def compare(runs, world):
    (expected, _), = runs[1]
    assert len(expected) >= 20 and expected[0]['loss'] != expected[-1]['loss']
    for figures, _ in runs[world]:
        for step, (mine, reference) in enumerate(zip(figures, expected, strict=True)):
            assert mine.keys() == reference.keys()
            for name in mine:
                if name != 'iou_std':  # the mean of the processes' deviations is not that of all
                    assert mine[name] == pytest.approx(reference[name], abs=TOLERANCE), (step, name)


@pytest.fixture(scope='module')
def two(tmp_path_factory):
    """Stages II and III, 21 iterations each, by 1, 2 and 4 processes."""
    return {world: run(two_stages, tmp_path_factory.mktemp('two'), world) for world in (1, 2, 4)}


@pytest.mark.parametrize('world', [2, 4])
def test_stages_two_and_three(two, world):
    """With FaceMix: its pairs and its lam are those of the batch of all processes."""
    compare(two, world)


def test_processes_without_an_accepted_pseudo_label_were_among_them(two):
    """Of four images, one per process, some but not all were accepted."""
    (figures, _), = two[1]
    assert any(0 < step['coverage'] < 1 for step in figures[21:])


@pytest.mark.parametrize('world', [2, 4])
def test_stage_one(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp('one')
    compare({w: run(stage_one, folder, w) for w in (1, world)}, world)


@pytest.mark.parametrize('world', [2, 4])
@pytest.mark.parametrize('stage', STAGES)
def test_images_of_a_step_are_those_of_one_process(two, world, stage):
    first, last, labeled, unlabeled = STAGES[stage]
    (_, alone), = two[1]
    for step in range(first, last):
        for part, count in (('labeled', labeled), ('unlabeled', unlabeled)):
            shares = [ids[step][part] for _, ids in two[world]]
            assert {len(share) for share in shares} == {count // world}
            assert sorted(sum(shares, [])) == sorted(alone[step][part])


@pytest.mark.parametrize('world', [1, 2, 4])
def test_processes_take_different_images_each_once_per_epoch(two, world):
    for first in range(0, 42, 3):
        used = {part: Counter(image for _, ids in two[world] for step in ids[first:first + 3]
                              for image in step[part]) for part in ('labeled', 'unlabeled')}
        assert not used['labeled'].keys() & used['unlabeled'].keys()
        assert set(used['labeled'].values()) == {1}
        if first >= 21:
            assert len(used['unlabeled']) == 12 and set(used['unlabeled'].values()) == {1}
