"""How long runs may take."""
import pytest

from ssfer_mm.tables import machine
from ssfer_mm.tables.estimate import Estimates, makespan
from ssfer_mm.tables.state import FORMAT, Results

HERE = machine.hardware()
LONG = dict(title='longer', after='facemix', fractions=[5],
            options={'train_cfg.semi.epochs': 6, 'model.skip_rejected': True})


@pytest.fixture()
def known(toy):
    """Notes the stages of a finished run: name, seconds of each stage, machine."""
    toy.write(rows=dict(facemix=dict(stages='II'), ssfer=dict(after='facemix'), longer=LONG))
    results, runs = Results(toy.results / 'cells' / 'toy'), toy.plan()

    def note(name, hardware=HERE, **seconds):
        run = runs[name]
        own = {stage: s for stage, s in seconds.items() if not (run.after and stage != 'semi')}
        results.write(run, dict(
            format=FORMAT, fingerprint=run.fingerprint, hardware=hardware,
            seconds=sum(own.values()),
            stages={stage: dict(epochs=run.epochs[stage], seconds=s)
                    for stage, s in seconds.items()}))
        return Estimates(runs, results)

    return note


def test_three_times_the_epochs_take_three_times_as_long(known):
    known('facemix/5pct_seed0', supervised=100)
    estimates = known('ssfer/5pct_seed0', supervised=100, semi=40)
    assert estimates.seconds('longer/5pct_seed0') == pytest.approx(120)
    assert estimates.seconds('ssfer/5pct_seed1') == pytest.approx(40)


def test_stage_three_is_not_taken_for_stage_two(known):
    """Of that fraction, stage II alone is known."""
    known('facemix/5pct_seed0', supervised=100)
    known('ssfer/5pct_seed0', supervised=100, semi=95)
    estimates = known('facemix/10pct_seed0', supervised=200)
    assert estimates.seconds('ssfer/10pct_seed0') == pytest.approx(90)  # 90 % are unlabeled


def test_twice_the_labels_take_stage_two_twice_as_long(known):
    estimates = known('facemix/5pct_seed0', supervised=100)
    assert estimates.seconds('facemix/10pct_seed1') == pytest.approx(200)


def test_what_was_measured_on_this_machine_comes_first(known):
    known('facemix/5pct_seed0', 'another GPU, 11 runs at a time', supervised=1)
    assert known('facemix/10pct_seed0', f'{HERE}, 2 runs at a time', supervised=200).seconds(
        'facemix/5pct_seed1') == pytest.approx(100)


def test_another_machine_is_better_than_nothing(known):
    estimates = known('facemix/5pct_seed0', 'another GPU', supervised=1)
    assert estimates.seconds('facemix/5pct_seed1') == pytest.approx(1)


def test_a_run_whose_checkpoint_is_gone_takes_what_it_took(known):
    known('facemix/5pct_seed0', supervised=100)
    estimates = known('facemix/5pct_seed1', supervised=300)
    assert estimates.seconds('facemix/5pct_seed0') == 100


def test_pre_training_by_its_epochs(toy):
    config = 'configs/mae/mae_vit-micro-p8_synthfer-48px.py'
    stage1 = {name: dict(config=config, options={'train_cfg.max_epochs': epochs})
              for name, epochs in (('short', 2), ('long', 6))}
    toy.write(stage1=stage1, rows={name: dict(stages='II', stage1=name) for name in stage1})
    results, runs = Results(toy.results / 'cells' / 'toy'), toy.plan()
    short = runs['stage1/short']
    results.write(short, dict(format=FORMAT, fingerprint=short.fingerprint, hardware=HERE,
                              seconds=50))
    assert Estimates(runs, results).seconds('stage1/long') == pytest.approx(150)


@pytest.mark.parametrize('runs, jobs, end', [
    # a 0-3, then b 3-7, however many could run beside them
    ('a3 b4<a', 1, 7), ('a3 b4<a', 2, 7), ('a3 b4<a', 9, 7),
    # a 0-3 | c 0-5, b 3-7
    ('a3 b4<a c5', 2, 7),
    # a 0-2, d 2-8 | c 0-6, b 6-7: b could begin at 2, but d is first in the queue
    ('a2 c6 d6 b1<a', 2, 8),
    # stage I 0-10, then a 10-15, c 15-20 | b 10-15
    ('s10 a5<s b5<s c5<s', 2, 20),
    # stage I 0-10, a 10-14, b 14-19 | c 10-12 of the same stage II
    ('s10 a4<s b5<s,a c2<s', 2, 19),
    # x 0-1, z 1-3 | y 0-1: not the mean of the two jobs
    ('x1 y1 z2', 2, 3),
    # What is not in the queue has ended
    ('b4<a', 1, 4)])
def test_runs_wait_for_what_they_continue_from(runs, jobs, end):
    seconds, needs = {}, {}
    for text in runs.split():
        run, _, before = text.partition('<')
        seconds[run[0]], needs[run[0]] = int(run[1:]), tuple(filter(None, before.split(',')))
    assert makespan(seconds, needs, jobs) == end


def test_a_chain_takes_as_long_with_two_jobs_as_with_one(known):
    known('facemix/5pct_seed0', supervised=100)
    estimates = known('ssfer/5pct_seed0', supervised=100, semi=40)
    chain = ['facemix/5pct_seed1', 'ssfer/5pct_seed1']
    assert estimates.total(chain, 1) == estimates.total(chain, 2) == pytest.approx(140)
    # Stage III of both begins when stage II has ended, in which the second job rests.
    assert estimates.total([*chain, 'longer/5pct_seed1'], 2) == pytest.approx(220)
    assert estimates.total([*chain, 'ssfer/10pct_seed1'], 2) == pytest.approx(140)
