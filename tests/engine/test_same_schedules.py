"""A resumed run goes on with its schedules, and says so where its config has others."""
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.optim.scheduler import CosineAnnealingLR, CosineAnnealingMomentum, LinearLR

from ssfer_mm.engine.same_schedules import check_same_schedules
from ssfer_mm.errors import UserError
from support.runs import config, train

EXACT = dict(type='ExactResumeHook')


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    return train(config(tmp_path_factory.mktemp('whole'), hooks=[EXACT]))


def resumed(tmp_path, whole, checkpoint, *key_and_schedules):
    cfg = config(tmp_path, resume=True, load_from=str(Path(whole.work_dir, checkpoint)),
                 hooks=[EXACT])
    for key, schedules in [key_and_schedules] if key_and_schedules else ():
        cfg.merge_from_dict({key: schedules})
    run = train(cfg)
    said = ''.join(path.read_text() for path in tmp_path.glob('*/*.log'))
    return [iteration['lr'] for iteration in run.recorder.iterations], said


@pytest.mark.parametrize('checkpoint', ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth'])
def test_the_same_ones_are_no_news(tmp_path, whole, checkpoint):
    assert 'go on as they were' not in resumed(tmp_path, whole, checkpoint)[1]


def test_another_setting_is_told_of(tmp_path, whole):
    """MultiStepLR divides the rate after the first epoch of stage III."""
    lrs, said = resumed(tmp_path, whole, 'epoch_3.pth', 'train_cfg.semi.param_scheduler',
                        [dict(type='MultiStepLR', milestones=[1], gamma=0.5)])
    assert lrs == [i['lr'] for i in whole.recorder.iterations[12:]] and lrs[0] < 2.1e-4
    assert ('train_cfg.semi.param_scheduler is not that of' in said
            and 'MultiStepLR has gamma 0.1, here 0.5. To have the new ones' in said)


def test_where_a_stage_has_ended_the_next_one_has_its_own(tmp_path, whole):
    lrs, said = resumed(tmp_path, whole, 'epoch_2.pth', 'train_cfg.semi.param_scheduler',
                        [dict(type='ConstantLR', factor=0.5, end=2)])
    assert lrs[0] == pytest.approx(1e-3) and 'go on as they were' not in said


def test_without_the_warm_up_the_cosine_would_get_its_state(tmp_path, whole):
    cosine = dict(type='CosineAnnealingLR', T_max=2, end=2, convert_to_iter_based=True)
    with pytest.raises(UserError, match=r'state of 2 schedule\(s\) .* of this run '
                       r'\(CosineAnnealingLR\): keep param_scheduler as it was, or .*load_from'):
        resumed(tmp_path, whole, 'epoch_1.pth', 'param_scheduler', [cosine])


@pytest.mark.parametrize('before, now', [
    ([LinearLR], [CosineAnnealingLR]), ([CosineAnnealingMomentum], [CosineAnnealingLR]),
    ([LinearLR, CosineAnnealingLR], [CosineAnnealingLR, LinearLR]),
    ([LinearLR], []), ([], [LinearLR])])
def test_other_kinds_are_refused(before, now):
    def built(kinds):
        optimizer = OptimWrapper(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.,
                                                 momentum=0.9))
        return [kind(optimizer, end=4, **(dict(T_max=4) if 'Cosine' in kind.__name__ else {}))
                for kind in kinds]

    runner = SimpleNamespace(_load_from='epoch_1.pth', param_schedulers=built(now) or None)
    checkpoint = dict(param_schedulers=[one.state_dict() for one in built(before)])
    with pytest.raises(UserError, match='epoch_1.pth holds the state of .* keep param_scheduler'):
        check_same_schedules(runner, checkpoint)
    runner.param_schedulers = built(before)
    check_same_schedules(runner, checkpoint)
