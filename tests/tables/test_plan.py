"""From a table file to its trainings."""
import shlex
from dataclasses import replace

import pytest

from ssfer_mm.command_line.parsers import train_parser
from ssfer_mm.errors import UserError
from ssfer_mm.tables.fields import as_option, merge_options
from ssfer_mm.tables.plan import choose, plan, with_needs
from ssfer_mm.tables.spec import load_table
from support.shrink import REPO

from .conftest import TABLE


def test_every_cell_is_a_base_config_and_a_few_options(toy):
    runs = toy.plan()
    assert len([run for run in runs.values() if run.row]) == 2 * (2 + 2 + 2 + 1)
    run = runs['ssfer/10pct_seed1']
    assert run.config == TABLE['config'] and run.epochs == dict(supervised=4, semi=2)
    assert run.options == {
        'train_cfg.supervised.epochs': 4, 'train_cfg.semi.epochs': 2,
        'train_dataloader.dataset.split.fraction': 0.1, 'train_dataloader.dataset.split.seed': 1,
        'randomness.seed': 1, 'model.pretrained': str(toy.work / 'stage1/faces/epoch_10.pth')}
    assert run.checkpoint == toy.work / 'ssfer/10pct_seed1/epoch_6.pth'
    assert run.command().startswith(f'python tools/train.py {TABLE["config"]} --work-dir ')


def test_rows_train_the_stages_that_they_name(toy):
    runs = toy.plan()
    assert runs['facemix/5pct_seed0'].epochs == dict(supervised=4)
    # The option for the stage that is left out is gone, not applied to None.
    assert runs['facemix/5pct_seed0'].options['train_cfg.semi'] is None
    assert runs['scratch/100pct_seed0'].options['model.pretrained'] is None


def test_what_a_run_needs_comes_first(toy):
    runs = toy.plan()
    assert with_needs(runs, ['ssfer/5pct_seed0', 'fixmatch/5pct_seed0']) == [
        'stage1/faces', 'facemix/5pct_seed0', 'ssfer/5pct_seed0', 'fixmatch/5pct_seed0']
    seen = set()
    for name, run in runs.items():
        assert set(run.needs) <= seen
        seen.add(name)


def test_a_row_may_stand_before_the_one_that_it_goes_on_from(toy):
    toy.write(rows={name: TABLE['rows'][name] for name in ('ssfer', 'facemix')})
    runs = list(toy.plan())
    assert runs.index('facemix/5pct_seed0') < runs.index('ssfer/5pct_seed0')


def test_a_fingerprint_is_of_what_decides_about_the_result(toy):
    before = {name: run.fingerprint for name, run in toy.plan().items()}
    assert len(set(before.values())) == len(before)
    options = {**TABLE['options'], 'default_hooks.checkpoint.interval': 1,
               'train_dataloader.num_workers': 3, 'train_cfg.val_interval': 7,
               'auto_scale_lr.base_batch_size': 3}
    toy.write(options=options)
    assert {name: run.fingerprint for name, run in toy.plan().items()} == before
    toy.write(options={**options, 'auto_scale_lr.enable': True})
    assert toy.plan()['scratch/5pct_seed0'].fingerprint != before['scratch/5pct_seed0']
    # Stage I of before carried more of each face than its pixels, and saw the same ones.
    last = 'train_dataloader.dataset.pipeline.3.type'
    stage1 = dict(faces=dict(TABLE['stage1']['faces'], options={last: 'PackFace'}))
    assert toy.plan()['stage1/faces'].settings[last] == 'PackFace'
    toy.write(options=options, stage1=stage1)
    assert {name: run.fingerprint for name, run in toy.plan().items()} == before
    stage1 = dict(faces=dict(TABLE['stage1']['faces'],
                             options={'model.backbone.mask_ratio': 0.5}))
    toy.write(stage1=stage1)
    changed = {name for name, run in toy.plan().items() if run.fingerprint != before[name]}
    assert changed == {name for name in before if not name.startswith('scratch')}


def test_held_out_data_are_a_table_of_their_own(toy):
    real, dev = toy.plan(), toy.plan(dev=True)
    run = dev['ssfer/5pct_seed0']
    assert run.options['val_dataloader.dataset.subset'] == 'train'
    assert run.work_dir.parts[-3:-2] == ('work-dev', )
    assert run.fingerprint != real['ssfer/5pct_seed0'].fingerprint
    assert dev['stage1/faces'] == real['stage1/faces']
    assert toy.table(dev=True).published == ()


def test_filters(toy):
    table, runs = toy.table(), toy.plan()
    assert choose(table, runs, ['ssfer'], [5.], [1]) == ['ssfer/5pct_seed1']
    assert len(choose(table, runs)) == 14
    with pytest.raises(UserError, match='no row ssferr; it has scratch'):
        choose(table, runs, ['ssferr'])
    with pytest.raises(UserError, match='no cell'):
        choose(table, runs, ['scratch'], [10.])


def rows(**changed):
    return {**TABLE['rows'], **changed}


@pytest.mark.parametrize('changes, message', [
    (dict(seeds=[0, 0]), 'seeds is .*expected different numbers'),
    (dict(seeds=[[0], 1]), 'seeds is .*expected different numbers'),
    (dict(rows=rows(a=dict(by_fraction={'five': {}}))), "keys 'five'; expected numbers"),
    (dict(plots=dict(curves=[['ssfer']])), 'plots.curves is .*expected a list of rows'),
    (dict(rows=rows(a=dict(like='b'))), "'b', which is no other row"),
    (dict(rows=rows(a=dict(like='b'), b=dict(like='a'))), 'no other row'),
    (dict(rows=rows(a=dict(stage='II'))), 'knows no entry stage; do you mean stages'),
    (dict(rows=rows(a=dict(stages='IV'))), "stages is 'IV'; expected one of II, III"),
    (dict(rows=rows(a=dict(stage1='x'))), 'expected none or one of faces'),
    (dict(rows=rows(a=dict(fractions=[0]))), 'fraction 0 is not a percentage'),
    (dict(rows=rows(a=dict(after='ssfer'))), 'must have stages: II'),
    (dict(rows=rows(a=dict(after='facemix', stage1='none'))), 'the same stage1'),
    (dict(rows=rows(a=dict(after='facemix', options={'train_dataloader.batch_size': 8}))),
     'changes train_dataloader.batch_size, which stage II reads'),
    (dict(rows=rows(a=dict(after='facemix',
                           options={'model.logit_adjustment.type': 'LogitAdjustment'}))),
     'changes model.logit_adjustment.type, which stage II reads'),
    (dict(rows=rows(a=dict(options={'model.ema_decai': 1}))), 'closest: model.ema_decay'),
    (dict(rows=rows(a=dict(options={'randomness.seed': 7}))), 'a.options sets .*seed, .* by seeds'),
    (dict(rows=rows(a=dict(options={'model.pretrained': 'x.pth'}))), 'by stage1: say it there'),
    (dict(options=dict(model=dict(ema_decay=1))), 'one line for each setting'),
    (dict(plots=dict(curves=['x'])), "plots.curves names 'x'"),
    (dict(plots=dict(_delete_=True)), "plots has '_delete_'; expected curves, pseudo_labels"),
    (dict(options={'val_evaluator.type': 'Accuracy'}),
     'rows.scratch .* is evaluated by Accuracy; a table needs .* type: ExpressionAccuracy in'),
    (dict(options={'val_evaluator': None}), 'rows.scratch .* is evaluated by nothing'),
    (dict(config='configs/ssfer/synthfer_6pct_vit-micro.py'), 'Closest: '),
])
def test_mistakes_are_named(toy, changes, message):
    toy.write(**changes)
    with pytest.raises(UserError, match=message) as error:
        toy.plan()
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('setting, value', [
    ('data_preprocessor.semi_facemix', True), ('model.unlabeled_weight', 2),
    ('data_preprocessor.views.rand_augment.num_policies', 1),
    ('train_dataloader.dataset.unlabeled_pipeline.1.weak.0.crop_ratio_range', [0.9, 1.0]),
    ('train_cfg.semi.epochs', 3)])
def test_what_stage_two_does_not_read_may_change_after_it(toy, setting, value):
    views = {'data_preprocessor.views.type': 'DeviceViews', 'data_preprocessor.views.size': 48,
             'data_preprocessor.views.rand_augment.num_policies': 2}
    toy.write(options={**TABLE['options'], **views},
              rows=rows(a=dict(after='facemix', options={setting: value}),
                        b=dict(after='facemix')))
    digests = {run.row: run.fingerprint for run in toy.plan().values()}
    assert digests['a'] != digests['b']


def test_a_missing_table_and_a_broken_one_are_named(toy):
    with pytest.raises(UserError, match='table nowhere.yaml cannot be read'):
        load_table('nowhere.yaml')
    toy.path.write_text('rows: [a: b: c]')
    with pytest.raises(UserError, match='toy.yaml is not YAML: ') as error:
        load_table(str(toy.path))
    assert '\n' not in str(error.value)


def test_a_table_can_change_another_one(toy):
    other = toy.path.with_name('other.yaml')
    other.write_text('_base_: toy.yaml\nseeds: [5]\nrows: {fixmatch: null, ssfer: {stages: III}}\n')
    table = load_table(str(other))
    assert list(table.rows) == ['scratch', 'facemix', 'ssfer'] and table.seeds == (5, )
    assert table.rows['ssfer'].after == '' and table.name == 'other'
    assert table.work_dir != toy.table().work_dir
    other.write_text('_base_: toy.yaml\nrows: {_delete_: true, a: {stages: III}}\n')
    assert list(load_table(str(other)).rows) == ['a']


@pytest.mark.parametrize('value, expected', [
    (0.05, 0.05), (None, None), (True, True), ('iou', 'iou'), (['a/b', 1], ['a/b', 1]),
    ('1e-4', 1e-4), (['1e-4', 'None'], [1e-4, None]), ('1,2', [1, 2]), ('(1, 2)', (1, 2)),
    ('/my data', '/my data'), (['/my data', 'b'], ['/my data', 'b']), ("'a, b'", 'a, b')])
def test_values_of_a_table_are_those_of_a_command_line(value, expected):
    assert repr(as_option(value)) == repr(expected)


def test_work_dir_with_blanks_and_commas(toy):
    before = toy.plan()
    toy.write(work_dir=str(toy.work / 'my runs, 2'))
    runs = toy.plan()
    run, first = runs['facemix/5pct_seed0'], runs['stage1/faces']
    for arguments in (run.arguments(), shlex.split(run.command())[2:]):
        options = train_parser().parse_args(arguments).cfg_options
        assert options['model.pretrained'] == str(first.checkpoint)
        assert options == run.options
    assert {name: run.fingerprint for name, run in runs.items()} == {
        name: run.fingerprint for name, run in before.items()}


def test_a_setting_replaces_what_lies_above_and_below_it():
    assert merge_options({'a.b': None, 'c': 1}, {'a.b.c': 2}) == {'c': 1, 'a.b.c': 2}
    assert merge_options({'a.b.c': 2, 'a.bc': 3}, {'a.b': None}) == {'a.bc': 3, 'a.b': None}


@pytest.mark.parametrize('name', sorted(p.name for p in (REPO / 'configs/tables').glob('*.yaml')))
def test_shipped_tables_fit_their_configs_and_test_where_they_should(name):
    table = load_table(str(REPO / 'configs/tables' / name))
    table = replace(table, seeds=table.seeds[:1])
    for each in [table] if table.dev_options is None else [table, table.on_dev()]:
        for run in plan(each).values():
            if run.row is None:
                continue
            train, test = ([run.settings[f'{where}.{key}'] for key in ('type', 'subset')]
                           for where in ('train_dataloader.dataset.dataset',
                                         'val_dataloader.dataset'))
            held_out = dict(FERPlus='valid', Faces13k='test', SynthFER='test')
            wanted = ('fit', 'dev') if each.is_dev else ('train', held_out[train[0]])
            assert train[0] == test[0] and (train[1], test[1]) == wanted
