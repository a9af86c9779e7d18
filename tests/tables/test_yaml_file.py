"""Table files on top of others, and what is none."""
import pytest
import yaml

from ssfer_mm.errors import UserError
from ssfer_mm.tables.yaml_file import read_table_file


@pytest.fixture()
def files(tmp_path):
    """Writes files of these names, and says what the first of them is refused for."""
    def refusal(**texts):
        for name, text in texts.items():
            (tmp_path / f'{name}.yaml').write_bytes(text.encode('latin-1'))
        with pytest.raises(UserError) as error:
            read_table_file(str(tmp_path / f'{next(iter(texts))}.yaml'))
        text = str(error.value)
        assert '\n' not in text
        return text.replace(f'{tmp_path}/', '')

    return refusal


@pytest.mark.parametrize('base', ['5', 'null', '[b.yaml]', '""'])
def test_a_base_is_the_name_of_one_file(files, base):
    assert files(a=f'_base_: {base}') == (
        f'a.yaml: _base_ is {yaml.safe_load(base)!r}; expected the name of one other table file, '
        'such as ferplus.yaml')


def test_a_file_that_is_its_own_base(files):
    assert files(a='_base_: a.yaml').startswith(
        'a.yaml: _base_ is a.yaml, which starts from this file itself; name another file there')
    assert files(a='_base_: b.yaml', b='_base_: ./a.yaml').startswith(
        'b.yaml: _base_ is a.yaml, which starts from this file itself')
    # A circle that the first file leads to, but is not part of.
    assert files(a='_base_: b.yaml', b='_base_: c.yaml', c='_base_: b.yaml').startswith(
        'c.yaml: _base_ is b.yaml, which starts from this file itself')


def test_a_circle_of_a_table_of_this_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'a.yaml').write_text('_base_: a.yaml\n')
    with pytest.raises(UserError, match='starts from this file itself'):
        read_table_file('a.yaml')


def test_a_table_takes_no_name_or_folder_from_its_base(tmp_path):
    """Two tables would share their cells."""
    (tmp_path / 'b.yaml').write_text('name: b\nwork_dir: b\nseeds: [0]\n')
    (tmp_path / 'a.yaml').write_text('_base_: b.yaml\n')
    assert read_table_file(str(tmp_path / 'a.yaml')) == dict(seeds=[0])


@pytest.mark.parametrize('key', ['rows', 'stage1', 'options', 'dev'])
def test_an_odd_entry_of_the_base_is_named_there(files, key):
    assert files(a=f'_base_: b.yaml\n{key}: {{x: null}}', b=f'{key}: [5]') == (
        f'b.yaml: {key} is [5]; expected entries, each as key: value')


def test_what_is_no_table(files):
    assert files(a='') == (
        'table a.yaml is empty; expected entries such as config, fractions, seeds and rows')
    assert files(a='- b').startswith("table a.yaml holds ['b']; expected entries")
    assert files(a='\xff\xfe').startswith('table a.yaml is not YAML: ')
    assert files(a='_base_: b.yaml').startswith('table b.yaml cannot be read')


def test_two_entries_with_one_name_are_not_one(files):
    text = files(a='rows:\n  x: {stages: II}\n  y: {}\n  x: {stages: III}\n')
    assert 'not YAML: x is there twice; rename or remove one' in text and 'line 4' in text


def test_an_entry_may_replace_one_of_an_anchor(tmp_path):
    path = tmp_path / 'a.yaml'
    path.write_text('a: &it {x: 1, y: 2}\nb: {<<: *it, x: 3}\n')
    assert read_table_file(str(path))['b'] == dict(x=3, y=2)
