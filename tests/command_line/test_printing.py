"""Names of files on one line. A reader that leaves early ends a command without a word; a broken
pipe elsewhere does not."""
import subprocess
import sys

import pytest

from ssfer_mm.apis import run_cli
from ssfer_mm.command_line.printing import shown

TOOL = '''
import sys
from ssfer_mm.apis import run_cli
sys.exit(run_cli(lambda: print("line\\n" * {lines})))
'''
COMMAND = '''
import sys
from ssfer_mm.inference import console
console._parse = lambda arguments: type("A", (), dict(
    run=staticmethod(lambda args: print("line\\n" * {lines}))))
sys.exit(console.main([]))
'''


@pytest.mark.parametrize('name, line', [
    ("très 'content'/{n} %s.png", "très 'content'/{n} %s.png"), ('a\nb\rc\td', r'a\nb\rc\td'),
    ('\x1b[31mred', r'\x1b[31mred'), ('caf\udce9.jpg', r'caf\udce9.jpg'),
    ('\u202egpj.exe', r'\u202egpj.exe')], ids=['plain', 'lines', 'color', 'Latin-1', 'turned'])
def test_a_name_is_one_line(name, line):
    assert shown(name) == line


# More than a pipe holds, and less than Python keeps back until the end.
@pytest.mark.parametrize('lines', [100_000, 3])
@pytest.mark.parametrize('code', [TOOL, COMMAND], ids=['tools', 'ssfer'])
def test_a_command_whose_reader_has_seen_enough(code, lines):
    # The reader is gone before the first line.
    process = subprocess.Popen(
        [sys.executable, '-c', 'input()\n' + code.format(lines=lines)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    process.stdin.write('go\n')
    process.stdin.close()
    assert process.stderr.read() == ''
    assert process.wait(60) == 1


def test_a_pipe_between_processes_is_another_matter(capfd):
    def main():
        raise BrokenPipeError('a worker')

    with pytest.raises(BrokenPipeError, match='a worker'):
        run_cli(main)
