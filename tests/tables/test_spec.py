"""Entries of a table file that are not what they should be: one sentence for each."""
import pytest

from ssfer_mm.errors import UserError

from .conftest import TABLE

OPTIONS = TABLE['options']
MAE = TABLE['stage1']['faces']['config']


def one(**row):
    return dict(rows=dict(a=row))


def published(**entry):
    return dict(published=[entry])


@pytest.mark.parametrize('changes, message', [
    (dict(seeds=[0, 0.5]), r'seeds is \[0, 0.5\]; expected whole numbers from 0'),
    (dict(seeds=[-1]), r'seeds is \[-1\]; expected whole numbers'),
    (dict(seeds=[2**32]), 'seeds is .*expected whole numbers'),
    (dict(seeds=[True]), r'seeds is \[True\]; expected different numbers'),
    (dict(seeds=[float('inf')]), 'seeds is .*expected different numbers'),
    (dict(fractions=[True, 5]), 'fractions is .*expected different numbers'),
    (dict(fractions=[float('nan')]), 'fractions is .*expected different numbers'),
    (dict(published=[5]), 'published.0 is 5; expected entries, each as key: value'),
    (published(values={5: 1}), 'published.0 lacks the entry title'),
    (published(title='x'), 'published.0 lacks the entry values'),
    (published(title=None, values={5: 1}), 'published.0: title is None; expected a text'),
    (published(title='x', values={'five': 1}), 'published.0.values .*such as {5: 81.77'),
    (published(title='x', values={5: 'many'}), 'published.0.values .*such as {5: 81.77'),
    (published(title='x', values={5: 1}, year=2024), 'published.0 knows no entry year'),
    (dict(rows={}), "toy.yaml has no rows; write at least one"),
    (dict(rows=[]), r'rows is \[\]; expected entries, each as key: value'),
    (dict(rows=dict(a=5)), 'rows.a is 5; expected entries, each as key: value'),
    (dict(rows=dict(a=[])), r'rows.a is \[\]; expected entries'),
    (dict(rows={5: {}}), 'rows has the name 5, which is not text to YAML; write it in quotes'),
    (dict(rows={False: {}}), 'rows has the name False, .* or take another one'),
    (dict(rows={'..': {}}), "rows has the name '..', which cannot name a folder"),
    (dict(rows={'a/b': {}}), "rows has the name 'a/b', which cannot name a folder"),
    (one(by_fraction={5: 7}), 'rows.a.by_fraction.5 is 7; expected settings by dotted key'),
    (one(by_fraction={0.05: {}}), 'by_fraction has 0.05, .* row; write one of 5, 10, percent'),
    (one(fractions=[5], by_fraction={10: {}}), 'by_fraction has 10, .* write one of 5, percent'),
    (one(options={'custom_hooks': [dict(type='EMAHook', interval=5)]}),
     r"rows.a: options has custom_hooks: \[\{'type'.* config file.* custom_hooks.0.type: "),
    (one(by_fraction={5: {'custom_hooks': [[dict(type='EMAHook')]]}}),
     'rows.a.by_fraction.5 has custom_hooks: .* config file'),
    (one(by_fraction={True: {}}), 'rows.a.by_fraction has the keys True; expected numbers'),
    (one(epochs=3), 'rows.a knows no entry epochs'),
    (dict(stage1=dict(faces=5)), 'stage1.faces is 5; expected entries'),
    (dict(stage1={5: dict(config=MAE)}), 'stage1 has the name 5, which is not text'),
    (dict(stage1=dict(none=dict(config=MAE))), 'stage1.none has the name that stands for no'),
    (dict(stage1=dict(faces=dict(config=TABLE['config']))),
     r'stage1.faces \(configs/ssfer/.*but stage1 None; name a config of that stage'),
    (dict(options=None), 'options is None; expected entries, each as key: value'),
    (dict(options={**OPTIONS, 'train_cfg.supervised.epochs': 'four'}),
     "rows.scratch .*no whole number of epochs .*but supervised 'four'"),
    (dict(options={**OPTIONS, 'train_cfg.supervised.epochs': 0}), 'but supervised 0; .*set its'),
    (one(stages='II', options={'train_cfg.supervised': None}), r'rows.a \(.*, but none; name'),
    (one(options={'model.ema_decai': 1}), 'toy.yaml: rows.a: .*closest: model.ema_decay'),
    (dict(config=MAE), 'toy.yaml: rows.scratch: .*train_cfg has no setting'),
    (dict(plots=[]), r'plots is \[\]; expected entries, each as key: value'),
    (dict(plots=dict(curve=['ssfer'])), "plots has 'curve'; expected curves, pseudo_labels, conf"),
    (dict(name='a/b'), "toy.yaml has the name 'a/b', which cannot name a folder"),
    (dict(name=''), "toy.yaml has the name '', which cannot name a folder"),
    (dict(work_dir=''), "work_dir is ''; expected a folder with a name of its own"),
])
def test_odd_entries_are_named(toy, changes, message):
    toy.write(**changes)
    with pytest.raises(UserError, match=message) as error:
        toy.plan()
    assert 'toy.yaml' in str(error.value) and '\n' not in str(error.value)


def test_a_published_figure_and_whole_seeds_are_taken(toy):
    toy.write(seeds=[3, 1.0], published=[dict(title=2024, values={5: 81, 10.0: 2.5})])
    table = toy.table()
    assert table.seeds == (3, 1) and all(type(seed) is int for seed in table.seeds)
    assert table.published == (dict(title='2024', values={5: 81, 10.0: 2.5}), )


def test_a_row_like_one_that_goes_on_from_another_trains_its_own_stage_two(toy):
    toy.write(rows={**TABLE['rows'], 't': dict(like='fixmatch')})
    like, row = toy.table().rows['t'], toy.table().rows['fixmatch']
    assert (like.after, like.stage1) == ('', row.stage1) and row.after == 'facemix'
    assert (like.options, like.fractions) == (row.options, row.fractions)


@pytest.mark.parametrize('mine, five, ten', [
    ({}, (60, .9), (7, None)),
    (dict(by_fraction={5: {'model.ema_decay': .5}}), (60, .5), (7, None)),
    (dict(by_fraction={10: {'model.ema_decay': .5}}), (60, .9), (7, .5)),
    (dict(options={'train_cfg.supervised.epochs': 9}), (9, .9), (9, None)),
    (dict(options={'train_cfg.supervised': None}), (None, .9), (None, None)),
    (dict(options={'train_cfg.supervised.epochs': 9},
          by_fraction={5: {'train_cfg.supervised.epochs': 8}}), (8, .9), (9, None)),
    (dict(fractions=[10]), None, (7, None)),
], ids=['all of it', 'one changed', 'one added', 'own option', 'above', 'own both', 'not there'])
def test_a_row_takes_over_what_another_has_at_a_fraction(toy, mine, five, ten):
    """Its own options count over those, whichever way they are given."""
    epochs, decay = 'train_cfg.supervised.epochs', 'model.ema_decay'
    toy.write(rows=dict(a=dict(by_fraction={5: {epochs: 60, decay: .9}, 10: {epochs: 7}}),
                        b=dict(like='a', **mine)))
    found = {fraction: tuple(run.options.get(key) for key in (epochs, decay))
             for name, run in toy.plan().items() for fraction in (5, 10)
             if name == f'b/{fraction}pct_seed0'}
    assert found.get(5) == five and found[10] == ten
