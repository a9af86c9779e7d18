"""The tools answer before torch is imported, and import no more than they need."""
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ssfer_mm.command_line import parsers

REPO = Path(__file__).resolve().parents[2]
TOOLS = sorted(path.stem for path in (REPO / 'tools').glob('*.py'))
OWN = [tool for tool in TOOLS if tool != 'torchrun']  # whose options are PyTorch's
# What a right command line of a tool needs, where it is not one config.
WORDS = dict(
    browse_synthfer=[], eval_face_detector=[], test=['config.py', 'a.pth'],
    convert_checkpoint=['a.pth', 'b.pth'], export=['a.pth', 'b.onnx'],
    export_face_detector=['config.py', 'a.pth'],
    crop_faces=['photos', '--out', 'crops'], detect_faces=['photos', '--out', 'boxes.jsonl'],
    ship_model=['a.pth', '--name', 'me', '--command', 'train'])
RUN = '''
import runpy, sys
sys.path.insert(0, {repo!r})
{before}
sys.argv = [{tool!r}, *{arguments!r}]
try:
    runpy.run_path({tool!r}, run_name='__main__')
except SystemExit as end:
    print('status', end.code)
print('imported', [name for name in ('torch', 'mmengine', 'cv2', 'numpy', 'mmdet')
                   if name in sys.modules])
'''
CTRL_C_WHILE_IT_IMPORTS = '''
class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name in ('torch', 'mmengine', 'numpy'):
            raise KeyboardInterrupt
sys.meta_path.insert(0, CtrlC())
'''
NOTHING_INSTALLED = '''
import importlib.metadata
def version(name):
    raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.version = version
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ('torch', 'mmengine', 'mmpretrain'):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
'''


def run(tool, *arguments, before=''):
    code = RUN.format(repo=str(REPO), tool=str(REPO / 'tools' / tool), arguments=arguments,
                      before=before)
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)


@pytest.mark.parametrize('tool', OWN)
def test_help_needs_nothing(tool):
    done = run(f'{tool}.py', '--help')
    assert f'usage: {tool}.py' in done.stdout and 'status 0' in done.stdout, done.stderr
    assert done.stdout.endswith('imported []\n'), done.stdout


@pytest.mark.parametrize('tool', OWN)
def test_what_answers_first_is_what_the_tool_reads(tool, monkeypatch, capsys):
    text = (REPO / 'tools' / f'{tool}.py').read_text(encoding='utf-8')
    module, function, parser = re.search(r"start\('([\w.]+):(\w+)', '(\w+)'\)", text).groups()
    assert parser == f'{tool}_parser'
    monkeypatch.setattr(sys, 'argv', [f'{tool}.py'])
    with pytest.raises(SystemExit) as end:
        getattr(importlib.import_module(module), function)(['--help'])
    assert end.value.code == 0
    assert capsys.readouterr().out == getattr(parsers, parser)().format_help()


@pytest.mark.parametrize('tool, words', [('train', ['config.py']), ('soak', ['config.py'])])
def test_a_mistyped_option_is_answered_at_once(tool, words):
    done = run(f'{tool}.py', *words, '--resme')
    assert 'status 2' in done.stdout and 'imported []' in done.stdout
    assert 'unrecognized arguments: --resme' in done.stderr


def test_the_package_is_whole_when_the_tool_begins_and_mmdet_is_left_alone():
    done = run('train.py', 'configs/ssfer/rafdb_5pc.py')
    assert 'status 2' in done.stdout
    assert 'error: Config configs/ssfer/rafdb_5pc.py not found. Closest: configs/ssfer/rafdb_5pct' \
        in done.stderr
    assert "imported ['torch', 'mmengine', 'cv2', 'numpy']" in done.stdout


@pytest.mark.parametrize('tool', TOOLS)
def test_ctrl_c_while_a_tool_imports_is_a_sentence(tool):
    done = run(f'{tool}.py', *WORDS.get(tool, ['config.py']), before=CTRL_C_WHILE_IT_IMPORTS)
    assert 'status 130' in done.stdout, done.stderr
    assert done.stderr == '\nInterrupted.\n'


def test_nor_is_it_a_traceback_while_settings_are_read():
    done = run('train.py', 'config.py', '--cfg-options', 'a=1', before=CTRL_C_WHILE_IT_IMPORTS)
    assert 'status 130' in done.stdout and done.stderr == '\nInterrupted.\n'


@pytest.mark.parametrize('words', [[], ['--cfg-options', 'a=1']])
def test_what_is_not_installed_is_a_sentence(words):
    done = run('soak.py', 'config.py', *words, before=NOTHING_INSTALLED)
    assert 'status 2' in done.stdout, done.stderr
    assert done.stderr.startswith('error: No OpenMMLab packages and torch found (missing: ')
    assert done.stderr.count('\n') == 1


@pytest.mark.parametrize('rank, said', [('0', '\nInterrupted.\n'), ('1', '')])
def test_ctrl_c_while_several_processes_import_is_one_sentence(monkeypatch, rank, said):
    monkeypatch.setenv('SLURM_PROCID', rank)
    done = run('train.py', 'config.py', '--launcher', 'slurm', before=CTRL_C_WHILE_IT_IMPORTS)
    assert 'status 130' in done.stdout and done.stderr == said


def test_ctrl_c_while_ssfer_imports_is_a_sentence():
    done = run('../ssfer_cli.py', 'models', before='''
class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == 'ssfer_mm.inference.console':
            raise KeyboardInterrupt
sys.meta_path.insert(0, CtrlC())
''')
    assert 'status 130' in done.stdout and done.stderr == '\nInterrupted.\n'
