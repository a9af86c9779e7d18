"""The split that a config means."""
import pytest

from ssfer_mm.datasets.split_recipe import resolve_split
from ssfer_mm.datasets.splits import save_split
from ssfer_mm.errors import UserError
from support.toy_split import CLASSES, data, draw


def resolve(cfg, counts=(40, 30, 3)):
    return resolve_split(cfg, 'Toy', CLASSES, *data(*counts))


def test_resolve_takes_a_split_a_file_or_a_recipe(tmp_path):
    split, path = draw(fraction=0.1, seed=2), str(tmp_path / 'split.json')
    recipe = dict(fraction=0.1, seed=2)
    assert resolve(split) == resolve(recipe) == resolve(dict(recipe, file=path)) == split
    assert not (tmp_path / 'split.json').exists()
    save_split(draw(fraction=0.1, seed=2), path)
    assert resolve(path) == resolve(dict(file=path)) == resolve(dict(recipe, file=path)) == split


def test_resolve_prefers_the_file_but_never_against_the_recipe(tmp_path):
    path = str(tmp_path / 'split.json')
    save_split(draw(fraction=0.2), path)
    with pytest.raises(UserError, match='has fraction=0.2, the config asks for fraction=0.1'):
        resolve(dict(fraction=0.1, file=path))
    seed = resolve(path).seed
    with pytest.raises(UserError, match=f'has seed={seed}, the config asks for seed={seed + 1}'):
        resolve(dict(fraction=0.2, seed=seed + 1, file=path))


def test_resolve_finds_a_file_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    save_split(draw(fraction=0.2), str(tmp_path / 'split.json'))
    assert resolve(dict(fraction=0.2, file='~/split.json')) == draw(fraction=0.2)
    with pytest.raises(UserError, match='has fraction=0.2, the config asks for fraction=0.1'):
        resolve(dict(fraction=0.1, file='~/split.json'))


@pytest.mark.parametrize('cfg, part', [
    (dict(fracton=0.1), 'fracton'), (dict(seed=1), 'either fraction or per_class'),
    (dict(file='/none.json'), "file '/none.json' does not exist"),
    (dict(file='/none.json', seed=1), 'either fraction or per_class')])
def test_resolve_refuses_a_recipe_that_it_does_not_understand(cfg, part):
    with pytest.raises(UserError, match=part):
        resolve(cfg)


def test_resolve_checks_the_data():
    with pytest.raises(UserError, match='made for other data'):
        resolve(draw(fraction=0.1), counts=(40, 31, 3))
