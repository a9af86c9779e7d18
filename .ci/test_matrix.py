"""Run the tests on every combination of versions that the README claims: ``make test-matrix``.

Each row has an environment of its own, ``.venv-ROW``, made by ``make environment``. What came of a
row is kept in ``work_dirs/test-matrix/ROW.json``, everything it printed beside it in ``ROW.log``,
and the tables in the documentation are written again after each. Stopped at any moment, the same
command goes on: a row that passed is not run again until the code, the tests or the versions
that the row asks for change.

This file runs in a Python that has nothing installed.
"""
import argparse
import dataclasses
import datetime
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from junit_reports import count_tests, failed_tests
from matrix_rows import FAST, ROWS
from version_tables import write_tables

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ('ssfer_mm', 'ssfer_onnx', 'configs', 'tools', 'tests', 'setup.py', 'ssfer_cli.py',
           'pyproject.toml', 'pytest.ini')
VERSIONS = '''
import importlib.metadata as metadata, json, platform
names = {dist.metadata["Name"]: dist.version for dist in metadata.distributions()}
print(json.dumps({"python": platform.python_version(), **names}))
'''


class Failed(Exception):
    """A step of a row did not end with status 0; the message says which."""


class Matrix:
    """The rows of one source tree.

    Args:
        root: The tree.
        rows: What may be run.
        discard: Delete each environment after its row (each takes about 6 GB).
    """

    def __init__(self, root=ROOT, rows=ROWS, discard=False):
        self.root, self.rows, self.discard = Path(root), {row.name: row for row in rows}, discard
        self.folder = self.root / 'work_dirs' / 'test-matrix'

    def run(self, names, again=False):
        """Run rows one after another and write the tables.

        Args:
            names: Of the rows.
            again: Also those that passed and have not changed.

        Returns:
            Exit status: 0 if no row failed (one without an interpreter has not), else 1.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            row = self.rows[name]
            if self.is_done(row) and not again:
                print(f'{name}: passed before, nothing changed since (--again runs it)')
                continue
            (self.folder / f'{name}.json').unlink(missing_ok=True)
            result = {**not_run(row), **self.run_row(row), 'commit': self.commit(),
                      'sources': self.fingerprint(row),
                      'date': datetime.date.today().isoformat()}
            (self.folder / f'{name}.json').write_text(json.dumps(result, indent=1) + '\n')
            self.write_tables()
            print(f'{name}: {result["outcome"]}{": " * bool(result["why"])}{result["why"]}')
        outcomes = [self.results()[name]['outcome'] for name in names]
        return int('failed' in outcomes)

    def run_failed(self, names):
        """Run only the tests that failed in a row, with the sources as they are now.

        The tables say how many tests were run again; the next ``make test-matrix`` runs the row
        whole.

        Args:
            names: Of rows that were run; those without a failed test are left alone.

        Returns:
            Exit status: 1 if any test failed again.
        """
        for name in names:
            row, path = self.rows[name], self.folder / f'{name}.json'
            failed = failed_tests(self.folder / f'{name}.xml')
            if not failed or not path.is_file():
                continue
            result = json.loads(path.read_text())
            tests = self.run_row(row, failed)['tests']
            if not tests:
                print(f'{name}: nothing was run, see {name}.log')
                continue
            result['tests'].update(
                passed=result['tests']['passed'] + tests['passed'], failed=tests['failed'],
                skipped=result['tests']['skipped'] + tests['skipped'],
                skipped_because=sorted({*result['tests']['skipped_because'],
                                        *tests['skipped_because']}),
                again=result['tests'].get('again', 0) + tests['passed'])
            outcome = 'failed' if tests['failed'] else 'passed'
            result.update(outcome=outcome, why=result['why'] if tests['failed'] else '',
                          commit=self.commit(), sources='')
            path.write_text(json.dumps(result, indent=1) + '\n')
            self.write_tables()
            print(f'{name}: {outcome} with {len(failed)} tests run again')
        return int(any(self.results().get(name, {}).get('outcome') == 'failed' for name in names))

    def write_tables(self):
        """Every row is in the tables, also one that was never run."""
        write_tables(self.root, [not_run(row) for row in self.rows.values()], self.results())

    def results(self):
        """Row name -> its result, of the rows that were run in this tree."""
        files = (self.folder / f'{name}.json' for name in self.rows)
        return {file.stem: json.loads(file.read_text()) for file in files if file.is_file()}

    def is_done(self, row):
        """Whether the row passed with the sources as they are."""
        result = self.results().get(row.name, {})
        return result.get('outcome') == 'passed' and result['sources'] == self.fingerprint(row)

    def fingerprint(self, row):
        """A hash of all that can change what comes of a row, but for new releases."""
        digest = hashlib.sha256(repr(dataclasses.astuple(row)).encode())
        for name in SOURCES + (row.constraints,) * bool(row.constraints):
            path = self.root / name
            files = [path] if path.is_file() else sorted(path.rglob('*'))
            for file in files:
                hidden = {'__pycache__', '.mim'} & set(file.parts)
                if file.is_file() and not hidden and file.suffix != '.pyc':
                    digest.update(file.relative_to(self.root).as_posix().encode())
                    digest.update(file.read_bytes())
        return digest.hexdigest()[:12]

    def commit(self):
        """The commit, ``-dirty`` if what the rows test was changed since; None outside of git.

        The tables of an earlier row, which this program writes itself, are no such change.
        """
        found = self._git('describe', '--always', '--exclude=*')
        if found is None:
            return None
        changed = self._git('status', '--porcelain', '--', *SOURCES, '.ci')
        return f'{found}-dirty' if changed else found

    def _git(self, *command):
        """What git says about the tree; None if it cannot say anything."""
        done = subprocess.run(['git', *command], cwd=self.root, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else None

    def run_row(self, row, chosen=None):
        """Make the environment, ask ``ssfer doctor``, run the tests.

        Args:
            row: The row.
            chosen: Names of tests; None: the row's suite.

        Returns:
            outcome ('passed', 'failed' or 'not run'), why, versions and the numbers of tests.
        """
        result = dict(outcome='not run', why='', versions={}, tests={})
        interpreter = find_interpreter(row.python)
        if not interpreter:
            return {**result, 'why': f'no Python {row.python} on this machine'}
        with open(self.folder / f'{row.name}.log', 'w', encoding='utf-8') as log:
            environment = self.root / f'.venv-{row.name}'
            python = environment / 'bin' / 'python'
            try:
                self.make_environment(row, interpreter, log)
                versions = json.loads(subprocess.check_output([python, '-c', VERSIONS], text=True))
                result['versions'] = versions
                self.step('ssfer doctor', [python, '-m', 'ssfer_cli', 'doctor'], log)
                self.step('the tests', self.test_command(row, python, chosen), log)
                result['outcome'] = 'passed'
            except Failed as failure:
                result.update(outcome='failed', why=str(failure))
            result['tests'] = count_tests(self.folder / f'{row.name}.xml')
            if self.discard:
                shutil.rmtree(environment, ignore_errors=True)
        return result

    def make_environment(self, row, interpreter, log):
        """``make environment``; one of another Python version is made again."""
        folder = self.root / f'.venv-{row.name}'
        if folder.exists() and version_of(folder / 'bin' / 'python') != row.python:
            shutil.rmtree(folder)
        self.step('its installation', [
            'make', 'environment', f'VENV={folder.name}', f'PYTHON={interpreter}',
            f'EXTRAS={row.family},test', f'CONSTRAINTS={row.constraints}'], log)

    def test_command(self, row, python, chosen=None):
        report = self.folder / f'{row.name}.xml'
        report.unlink(missing_ok=True)
        chosen = chosen or (FAST if row.suite == 'fast' else ())
        return [python, '-m', 'pytest', '-ra', '-p', 'no:cacheprovider', f'--junitxml={report}',
                *chosen]

    def step(self, what, command, log):
        """Run a command; what it prints goes to the screen and to the log."""
        command = [str(word) for word in command]
        print(f'$ {" ".join(command)}', flush=True)
        print(f'$ {" ".join(command)}', file=log, flush=True)
        # The variables of the make that runs this file are not for those that it runs.
        surroundings = {name: value for name, value in os.environ.items()
                        if name not in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'PYTHONPATH')}
        with subprocess.Popen(command, cwd=self.root, env=surroundings, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as process:
            for chunk in iter(lambda: os.read(process.stdout.fileno(), 65536), b''):
                text = chunk.decode(errors='replace')
                print(text, end='', flush=True)
                print(text, end='', file=log, flush=True)
        if process.returncode:
            raise Failed(f'{what} ended with status {process.returncode}')


def not_run(row):
    """The result of a row of which nothing is known."""
    return dict(row=row.name, family=row.family, python=row.python, suite=row.suite,
                outcome='not run', why='no make test-matrix yet', versions={}, tests={},
                commit=None, sources='', date='')


def find_interpreter(wanted):
    """A Python of this version that can make environments: on PATH, or one of pyenv's.

    Returns:
        Its path, or None.
    """
    pyenv = os.environ.get('PYENV_ROOT', os.path.expanduser('~/.pyenv'))
    on_path = [shutil.which(f'python{wanted}')]
    for candidate in [sys.executable, *on_path,
                      *sorted(glob.glob(f'{pyenv}/versions/{wanted}.*/bin/python'))]:
        if candidate and version_of(candidate) == wanted:
            return candidate
    return None


def version_of(python):
    """``'3.11'`` for an interpreter that runs and has ensurepip, else None."""
    code = 'import ensurepip, sys; print("%d.%d" % sys.version_info[:2])'
    try:
        done = subprocess.run([str(python), '-c', code], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() or None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    names = [row.name for row in ROWS]
    parser.add_argument('rows', nargs='*', metavar='ROW', help=f'of {", ".join(names)}; all')
    parser.add_argument('--again', action='store_true', help='also the rows that passed before')
    parser.add_argument('--failed', action='store_true',
                        help='only the tests that failed in these rows, after a correction')
    parser.add_argument('--discard', action='store_true',
                        help='delete each environment after its row (6 GB each)')
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - set(names)
    if unknown:
        parser.error(f'no row {", ".join(sorted(unknown))}; there are {", ".join(names)}')
    try:
        matrix, chosen = Matrix(discard=arguments.discard), arguments.rows or names
        return matrix.run_failed(chosen) if arguments.failed else matrix.run(chosen,
                                                                            arguments.again)
    except KeyboardInterrupt:
        print('\nStopped. The same command goes on with the row that was running.')
        return 130


if __name__ == '__main__':
    sys.exit(main())
