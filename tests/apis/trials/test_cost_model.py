"""tools/cost_model.py: counts, times, predicts, and says what it took for granted."""
import json

import pytest

from ssfer_mm.apis.trials.cost_model import main
from ssfer_mm.errors import UserError
from support import stores
from support.shrink import REPO

MICRO = 'configs/mae/mae_vit-micro-p8_faces-48px.py'
SPARK = 'configs/mae/spark_resnet-nano_faces-48px.py'
QUICK = [MICRO, '--images', '10000', '--gpus', '2', '--epochs', '3', '--devices', 'a100']


def test_a_prediction_and_its_assumptions(tmp_path, capsys):
    faces = stores.write_folder(tmp_path / 'faces', [stores.jpeg(9 * k) for k in range(12)])
    out = tmp_path / 'new' / 'cost.json'
    result = main([*QUICK, '--faces', str(faces), '--json', str(out), '--workers', '2'])
    said = capsys.readouterr().out
    for part in ('10,000 images x 3 epochs, 2 GPU(s) x 64', 'A100 SXM 80 GB', 'Measured here, 12',
                 'Counted:', 'Assumed: 60% of the declared matrix rate', 'no validation',
                 'Storage:'):
        assert part in said, part
    written = json.loads(out.read_text())
    assert written['devices']['a100']['total'] == result['devices']['a100']['total'] > 0
    row = next(line for line in said.splitlines() if line.startswith('A100')).split()
    days, hours = (float(row[at]) for at in (-5, -4))  # of seconds, and not 0.00
    assert days == pytest.approx(result['devices']['a100']['total'] / 86400, rel=.05)
    assert hours == pytest.approx(48 * days, rel=.1)
    assert written['image']['seconds'] > 0 and written['image']['bytes'] > 100
    # A batch is the recipe's, shared out over the GPUs.
    assert written['training']['batch'] == 64


def test_slow_products_and_slow_workers_cost_time():
    slow, fast = (main([*QUICK, '--worker-rate', rate, '--batch', '128'])['devices']['a100']
                  for rate in ('10', '1e6'))
    assert slow['bound'] == 'input' and slow['total'] > 20 * fast['total']
    others = fast['total_if_matrices_were']
    assert others[.5] >= fast['total'] >= others[1.5]
    assert slow['needed_per_worker'] == pytest.approx(fast['needed_per_worker'])


@pytest.mark.parametrize('what, arguments, message', [
    ('not stage I', ['configs/ssfer/ferplus_5pct_vit-micro.py'], 'knows MAE only'),
    ('not MAE', [SPARK], r'SparK; .* neither SparK .* configs/mae/mae_\*\.py'),
    ('an unknown GPU', [MICRO, '--devices', 'abacus'], 'rtx4090'),
    ('no step in an epoch', [MICRO, '--images', '5'], 'fewer than a step'),
    ('a rate of 0', [MICRO, '--worker-rate', '0'], '--worker-rate must be a number > 0, got 0'),
    ('no number', [MICRO, '--call-us', 'nan'], '--call-us must be a number > 0, got nan'),
    ('workers that owe work', [MICRO, '--workers', '-1'], '--workers must be a number >= 0'),
    ('no such folder', [MICRO, '--faces', 'nowhere'], '--worker-rate'),
])
def test_mistakes(what, arguments, message):
    with pytest.raises(UserError, match=message):
        main(arguments)


def test_a_mask_that_follows_the_face_costs_what_mae_costs():
    plain, faces = (main([name, *QUICK[1:], '--worker-rate', '1e6'])['training'] for name in (
        MICRO, MICRO.replace('.py', '_face-mask.py')))
    assert faces['parameters'] == plain['parameters']
    assert faces['work']['per_image']['flops'] == plain['work']['per_image']['flops'] > 0
    assert 0 <= faces['work']['per_step']['operations'] - plain['work']['per_step']['operations'] \
        < 100, 'kernels that find the hidden patches'


def test_a_run_that_keeps_its_end_only_writes_one_checkpoint(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text(f"_base_ = ['{REPO / MICRO}']\n"
                      'default_hooks = dict(checkpoint=dict(interval=-1))\n')
    assert main([str(config), *QUICK[1:], '--worker-rate', '1e6'])['training']['save_every'] == 3


def test_checkpoints_are_counted_as_the_hook_writes_them(capsys):
    """10,000 images, 2 x 64 of them in a step: 78 steps in each of three epochs."""
    def cost(*options, rate='1e6'):
        hook = [f'default_hooks.checkpoint.{option}' for option in ('interval=1', *options)]
        return main([*QUICK, '--worker-rate', rate, '--workers', '4', '--cfg-options',
                     *hook])['devices']['a100']

    assert cost()['kept'] == 2
    assert cost('max_keep_ckpts=-1')['kept'] == 3 == cost('max_keep_ckpts=1000')['kept']
    assert 'and 3 checkpoints.' in capsys.readouterr().out
    assert cost('max_keep_ckpts=-1', 'by_epoch=False', 'interval=39')['kept'] == 6
    slow = cost('max_keep_ckpts=-1', rate='1')  # 1,248 s an epoch, and one every ten minutes
    assert slow['saves'] == slow['kept'] == 7
    assert '1 epochs, or after 10 minutes if that is sooner' in capsys.readouterr().out
    assert cost('minutes=None', rate='1')['saves'] == 3
