"""``make test-matrix``: the rows, what is run again, and the tables that come of it."""
import json
import re
import subprocess
import sys
from pathlib import Path

import matrix_rows
import pytest
import version_tables
from matrix_rows import Row
from packaging.specifiers import SpecifierSet
from test_matrix import Matrix, find_interpreter

from ssfer_mm.compat import FAMILIES, TORCH

ROOT = Path(__file__).resolve().parents[2]
HERE = '.'.join(str(number) for number in sys.version_info[:2])
PLACES = ''.join(f'<!-- {name} -->\n<!-- end of {name} -->\n'
                 for name in ('versions', 'rows', 'skipped'))


# ------------------------------------------------------------------------------ what is claimed


def test_the_tables_in_the_documentation_are_those_of_the_results():
    for name, parts in version_tables.documents(version_tables.read_rows(ROOT)).items():
        text = (ROOT / name).read_text(encoding='utf-8')
        assert version_tables.filled_in(text, parts) == text, f'{name}: run make test-matrix'


def test_the_rows_cover_every_version_that_setup_py_accepts():
    rows = matrix_rows.ROWS
    setup = (ROOT / 'setup.py').read_text()
    accepted = SpecifierSet(re.search(r"python_requires='(.*?)'", setup)[1])
    assert {row.python for row in rows} == {f'3.{k}' for k in range(8, 20) if f'3.{k}' in accepted}
    for family in FAMILIES:
        assert {row.constraints for row in rows if row.family == family} == \
            {'', matrix_rows.OLDEST}


def test_the_oldest_row_holds_the_oldest_versions_that_are_accepted():
    oldest = dict(line.split('==') for line in (ROOT / matrix_rows.OLDEST).read_text().split('\n')
                  if '==' in line)
    assert {name: f'>={oldest[name].removesuffix(".0")}' for name in TORCH} == TORCH
    setup = (ROOT / 'setup.py').read_text()
    assert f"'numpy>={oldest['numpy'].rpartition('.')[0]}'" in setup
    assert oldest['numpy'].startswith('1.')


@pytest.mark.parametrize('row', version_tables.read_rows(ROOT), ids=lambda row: row['row'])
def test_a_row_that_passed_had_the_versions_that_it_stands_for(row):
    if row['outcome'] != 'passed':
        pytest.skip(f'{row["outcome"]}: {row["why"]}')
    wanted = next(each for each in matrix_rows.ROWS if each.name == row['row'])
    found = row['versions']
    assert found['python'].startswith(wanted.python + '.')
    assert found['numpy'].startswith('1.' if wanted.constraints else '2.')
    for package, dists in FAMILIES[wanted.family].items():
        assert any(found.get(dist, '0') in SpecifierSet(spec) for dist, spec in dists.items()), \
            package
    assert row['tests']['failed'] == 0 and row['tests']['passed'] > 0


def test_the_fast_suite_exists_and_covers_every_subsystem():
    subsystems = {path.parent.name for path in ROOT.glob('tests/*/test_*.py')}
    covered = {Path(name).parts[1] for name in matrix_rows.FAST}
    assert subsystems - covered == {'benchmarks', 'ci'}
    listed = [name.partition('::') for name in matrix_rows.FAST]
    for file, _, test in listed:
        assert (ROOT / file).exists(), file
        assert not test or f'def {test.partition("[")[0]}(' in (ROOT / file).read_text(), test


# ------------------------------------------------------------------------------ running rows


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A source tree with one test, and a `make` whose environments are this interpreter."""
    (tmp_path / 'tests').mkdir()
    (tmp_path / 'tests' / 'test_it.py').write_text('def test_it():\n    assert True\n')
    (tmp_path / 'ssfer_cli.py').write_text('print("all is well")\n')
    (tmp_path / 'README.md').write_text(PLACES)
    (tmp_path / 'docs').mkdir()
    (tmp_path / 'docs' / 'versions.md').write_text(PLACES)
    make = tmp_path / 'commands' / 'make'
    make.parent.mkdir()
    make.write_text(f'''#!/bin/sh
echo "$@" >> {tmp_path}/makes
mkdir -p {tmp_path}/.venv-a/bin
printf '#!/bin/sh\\nexec {sys.executable} "$@"\\n' > {tmp_path}/.venv-a/bin/python
chmod +x {tmp_path}/.venv-a/bin/python
''')
    make.chmod(0o755)
    monkeypatch.setenv('PATH', f'{make.parent}:/usr/bin:/bin')
    return tmp_path


def matrix(tree, *rows, **settings):
    return Matrix(tree, rows or [Row('a', 'onedl', HERE, 'full')], **settings)


def test_a_row_is_run_once_and_again_when_something_changes(tree, capfd):
    assert matrix(tree).run(['a']) == 0
    result = json.loads((tree / 'work_dirs/test-matrix/a.json').read_text())
    assert (result['outcome'], result['tests']['passed']) == ('passed', 1)
    log = (tree / 'work_dirs/test-matrix/a.log').read_text()
    assert 'all is well' in log and '1 passed' in log
    assert 'EXTRAS=onedl,test CONSTRAINTS=\n' in (tree / 'makes').read_text()

    assert matrix(tree).run(['a']) == 0
    assert 'passed before' in capfd.readouterr().out
    assert len((tree / 'makes').read_text().splitlines()) == 1
    assert matrix(tree).run(['a'], again=True) == 0
    (tree / 'tests' / 'test_it.py').write_text('def test_it():\n    assert False\n')
    assert matrix(tree).run(['a']) == 1
    assert '**1 failed**, 0 passed' in (tree / 'README.md').read_text()
    assert matrix(tree, discard=True).run(['a']) == 1, 'one that failed is run again'
    assert len((tree / 'makes').read_text().splitlines()) == 4
    assert not (tree / '.venv-a').exists()


def test_only_what_failed_is_run_again_and_the_table_says_so(tree):
    file = tree / 'tests' / 'test_it.py'
    others = "import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_other(x):\n    x\n"
    file.write_text(others + 'def test_it():\n    assert False\n')
    assert matrix(tree).run(['a']) == 1
    assert matrix(tree).run_failed(['a']) == 1
    assert '**1 failed**, 2 passed |' in (tree / 'README.md').read_text()
    file.write_text(others + 'def test_it():\n    assert True\n')
    assert matrix(tree).run_failed(['a']) == 0
    assert '3 passed (1 of them when run again)' in (tree / 'README.md').read_text()
    makes = len((tree / 'makes').read_text().splitlines())
    assert matrix(tree).run_failed(['a']) == 0, 'nothing is left to run'
    assert len((tree / 'makes').read_text().splitlines()) == makes
    assert not matrix(tree).is_done(Row('a', 'onedl', HERE, 'full')), 'never run whole as it is'


def test_a_row_without_an_interpreter_is_not_claimed(tree):
    rows = [Row('a', 'onedl', HERE, 'full'), Row('future', 'openmmlab', '3.99', 'full')]
    assert matrix(tree, *rows).run(['a', 'future']) == 0
    lines = (tree / 'README.md').read_text().splitlines()
    assert lines[4].startswith('| `[openmmlab]` | 3.99 | ')
    assert lines[4].endswith('not run: no Python 3.99 on this machine |')
    assert ' | 1 passed |' in lines[3]


def test_what_fails_before_the_tests_is_named(tree):
    (tree / 'ssfer_cli.py').write_text('raise SystemExit(1)')
    assert matrix(tree).run(['a']) == 1
    assert '**failed**: ssfer doctor ended with status 1' in (tree / 'README.md').read_text()
    (tree / 'commands' / 'make').write_text('#!/bin/sh\nexit 2\n')
    assert matrix(tree).run(['a']) == 1
    assert '**failed**: its installation ended with' in (tree / 'README.md').read_text()


def test_rows_that_were_not_run_this_time_stay_in_the_table(tree):
    old = dict(row='b', family='openmmlab', python='3.12', suite='fast', outcome='passed', why='',
               versions={'python': '3.12.1'}, tests=dict(passed=7, failed=0, skipped=2),
               commit='abc', date='2020-02-02', sources='')
    (tree / version_tables.RESULTS).write_text(json.dumps([old, {**old, 'row': 'dropped'}]))
    matrix(tree, Row('a', 'onedl', HERE, 'full'), Row('b', 'openmmlab', '3.12', 'fast')).run(['a'])
    rows = (tree / 'README.md').read_text().splitlines()[3:-1]
    assert len(rows) >= 2 and '7 passed, 2 skipped (fast subset)' in rows[1]
    assert 'dropped' not in (tree / 'docs' / 'versions.md').read_text()


def test_tables_of_an_earlier_row_do_not_make_the_commit_another(tree):
    def git(*command):
        subprocess.run(['git', '-c', 'user.name=x', '-c', 'user.email=x@x', *command], cwd=tree,
                       check=True, capture_output=True)

    assert matrix(tree, Row('here', 'onedl', HERE, 'full')).commit() is None
    git('init')
    git('add', '.')
    git('commit', '-m', 'all')
    (tree / 'README.md').write_text('another table')
    commit = matrix(tree, Row('here', 'onedl', HERE, 'full')).commit()
    assert re.fullmatch('[0-9a-f]{7,}', commit)
    (tree / 'tests' / 'test_it.py').write_text('def test_it():\n    assert 1 < 2\n')
    assert matrix(tree, Row('here', 'onedl', HERE, 'full')).commit() == f'{commit}-dirty'


def test_interpreters():
    assert find_interpreter(HERE) == sys.executable
    assert find_interpreter('3.99') is None


def test_an_unknown_row_is_named():
    done = subprocess.run([sys.executable, ROOT / '.ci' / 'test_matrix.py', 'nonsense'],
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert 'no row nonsense; there are onedl, ' in done.stderr
