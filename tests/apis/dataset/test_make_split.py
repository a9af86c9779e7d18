"""The split command, from a config and from a name."""
import pytest

from ssfer_mm.apis.dataset.make_split import main
from ssfer_mm.datasets import FERPlus
from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.split_recipe import resolve_split
from ssfer_mm.datasets.splits import load_split
from support.layouts import make_affectnet, make_ferplus

CONFIG = '''
train_dataloader = dict(dataset=dict(
    type='SemiSupervisedDataset',
    dataset=dict(type='FERPlus', data_root={root!r}, subset='train', boxes='dataset'),
    split=dict(fraction=0.5, seed=3, file={file!r}), labeled_pipeline=[]))
'''


@pytest.fixture
def ferplus(tmp_path):
    make_ferplus(tmp_path / 'data', 4, 1, 1)
    file, config = str(tmp_path / 'splits' / 'half.json'), tmp_path / 'config.py'
    config.write_text(CONFIG.format(root=str(tmp_path / 'data'), file=file))
    return str(tmp_path / 'data'), str(config), file


def expected(root, **how):
    data = FERPlus(root)
    return draw_split('FERPlus', data.metainfo['classes'], data.ids(), data.labels(), **how)


def test_config_gives_dataset_recipe_and_file(ferplus, capsys):
    root, config, file = ferplus
    assert main([config]) == 0
    assert load_split(file) == expected(root, fraction=0.5, seed=3)
    printed = capsys.readouterr().out
    assert 'contempt' in printed and file in printed


def test_training_finds_what_the_command_wrote(ferplus):
    root, config, file = ferplus
    main([config])
    data = FERPlus(root)
    recipe = dict(fraction=0.5, seed=3, file=file)
    found = resolve_split(recipe, 'FERPlus', data.metainfo['classes'], data.ids(), data.labels())
    assert found == load_split(file)


def test_options_override_the_config_but_not_its_file(ferplus, tmp_path, monkeypatch):
    root, config, file = ferplus
    main([config])
    monkeypatch.chdir(tmp_path)
    assert main([config, '--per-class', '1', '--seed', '0']) == 0
    assert load_split('splits/ferplus_1perclass_seed0.json') == expected(root, per_class=1)
    assert load_split(file) == expected(root, fraction=0.5, seed=3)


def test_listed_images_are_those_of_the_split(ferplus, tmp_path, monkeypatch, capsys):
    root, config, file = ferplus
    monkeypatch.chdir(tmp_path)
    chosen = FERPlus(root).ids()[:5]
    (tmp_path / 'ids.txt').write_text('\n'.join(chosen))
    assert main([config, '--ids', 'ids.txt']) == 0
    assert 'FERPlus, as listed' in capsys.readouterr().out
    data = FERPlus(root)
    split = resolve_split('splits/ferplus_5listed.json', 'FERPlus', data.metainfo['classes'],
                          data.ids(), data.labels())
    assert split.labeled == tuple(sorted(chosen)) and not (tmp_path / file).exists()
    assert main([config, '--ids', 'ids.txt', '--seed', '1']) == 2
    assert 'leave out --seed' in capsys.readouterr().err


@pytest.mark.parametrize('out', [None, '~/splits/half.json'])
def test_another_split_is_not_overwritten_unless_forced(ferplus, tmp_path, monkeypatch, capsys,
                                                        out):
    root, _, file = ferplus
    monkeypatch.setenv('HOME', str(tmp_path))
    command = ['--dataset', 'FERPlus', '--data-root', root, '--out', out or file]
    assert main([*command, '--fraction', '0.25']) == 0
    assert main([*command, '--fraction', '0.25']) == 0
    assert main([*command, '--fraction', '0.5']) == 2
    assert '--force' in capsys.readouterr().err
    assert load_split(file).fraction == 0.25
    assert main([*command, '--fraction', '0.5', '--force']) == 0
    assert load_split(file).fraction == 0.5


def test_name_that_splits_record_is_understood(tmp_path):
    make_affectnet(tmp_path / 'data', 2, 1)
    out = str(tmp_path / 'split.json')
    assert main(['--dataset', 'AffectNet7', '--data-root', str(tmp_path / 'data'),
                 '--fraction', '0.5', '--out', out]) == 0
    assert load_split(out).dataset == 'AffectNet7' and len(load_split(out).labeled) == 7


def test_a_config_with_a_mistake_is_told_with_its_line(tmp_path, capsys):
    (tmp_path / 'c.py').write_text('train_dataloader = (\n')
    assert main([str(tmp_path / 'c.py')]) == 2
    assert 'in line 1. Correct the config' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, part', [
    ([], '--dataset'),
    (['none.py', '--fraction', '0.1'], 'none.py not found'),
    (['--dataset', 'FERplus', '--fraction', '0.1'], 'FERPlus'),
    (['--dataset', 'FERPlus', '--fraction', '0.1'], 'data_root'),
    (['--dataset', 'FERPlus', '--data-root', 'none', '--fraction', '0.1'], "'none'"),
    (['--dataset', 'SynthFER', '--data-root', 'none', '--fraction', '0.1'], 'data_root'),
])
def test_errors_are_one_line_and_status_2(arguments, part, capsys):
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert message.startswith('error: ') and part in message and message.count('\n') == 1
