"""How long runs may take."""
import pytest

from ssfer_mm.tables import machine
from ssfer_mm.tables.estimate import Estimates
from ssfer_mm.tables.state import Results

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
            fingerprint=run.fingerprint, hardware=hardware, seconds=sum(own.values()),
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
    results.write(short, dict(fingerprint=short.fingerprint, hardware=HERE, seconds=50))
    assert Estimates(runs, results).seconds('stage1/long') == pytest.approx(150)
