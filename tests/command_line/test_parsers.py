"""The tools answer before torch is imported, and import no more than they need."""
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
RUN = '''
import runpy, sys
sys.path.insert(0, {repo!r})
{before}
sys.argv = [{tool!r}, *{arguments!r}]
try:
    runpy.run_path({tool!r}, run_name='__main__')
except SystemExit as end:
    print('status', end.code)
print('imported', [name for name in ('torch', 'mmengine', 'cv2', 'mmdet') if name in sys.modules])
'''


CTRL_C_WHILE_IT_IMPORTS = '''
class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name in ('torch', 'mmengine', 'numpy'):
            raise KeyboardInterrupt
sys.meta_path.insert(0, CtrlC())
'''


def run(tool, *arguments, before=''):
    code = RUN.format(repo=str(REPO), tool=str(REPO / 'tools' / tool), arguments=arguments,
                      before=before)
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)


@pytest.mark.parametrize('tool', ['train.py', 'test.py', 'benchmark.py'])
def test_help_needs_nothing(tool):
    done = run(tool, '--help')
    assert 'usage:' in done.stdout and 'status 0' in done.stdout
    assert done.stdout.endswith('imported []\n'), done.stdout


def test_a_mistyped_option_is_answered_at_once():
    done = run('train.py', 'config.py', '--resme')
    assert 'status 2' in done.stdout and 'imported []' in done.stdout
    assert 'unrecognized arguments: --resme' in done.stderr


def test_the_package_is_whole_when_the_tool_begins_and_mmdet_is_left_alone():
    done = run('train.py', 'configs/ssfer/rafdb_5pc.py')
    assert 'status 2' in done.stdout
    assert 'error: Config configs/ssfer/rafdb_5pc.py not found. Closest: configs/ssfer/rafdb_5pct' \
        in done.stderr
    assert "imported ['torch', 'mmengine', 'cv2']" in done.stdout


@pytest.mark.parametrize('tool', sorted(path.name for path in (REPO / 'tools').glob('*.py')))
def test_ctrl_c_while_a_tool_imports_is_a_sentence(tool):
    arguments = ['config.py', 'checkpoint.pth'] if tool == 'test.py' else ['config.py']
    done = run(tool, *arguments, before=CTRL_C_WHILE_IT_IMPORTS)
    assert 'status 130' in done.stdout, done.stderr
    assert done.stderr == '\nInterrupted.\n'


def test_ctrl_c_while_ssfer_imports_is_a_sentence():
    done = run('../ssfer_cli.py', 'models', before='''
class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == 'ssfer_mm.inference.console':
            raise KeyboardInterrupt
sys.meta_path.insert(0, CtrlC())
''')
    assert 'status 130' in done.stdout and done.stderr == '\nInterrupted.\n'
