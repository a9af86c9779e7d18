"""The README and the pages of docs/ name nothing that is not there: links, files, options."""
import io
import re
import runpy
from contextlib import redirect_stdout
from functools import lru_cache
from itertools import product
from pathlib import Path
from unittest import mock

import pytest

REPO = Path(__file__).resolve().parents[1]
PAGES = ['README.md', 'RESULTS.md', 'docs/results/template.md',
         *sorted(str(page.relative_to(REPO)) for page in (REPO / 'docs').glob('*.md'))]
BLOCK = re.compile(r'^```.*?^```', re.DOTALL | re.MULTILINE)
TITLE = re.compile(r'^#+ (.*)$', re.MULTILINE)
LINK = re.compile(r'\]\(([^)\s]+)\)')
FILE = re.compile(r'\b(?:configs|tools|benchmarks|ssfer_mm|tests|docs)/[\w./{},*+-]*'
                  r'\.(?:py|sh|yaml|md|png)\b')
COMMAND = re.compile(r'(?:\bpython )(tools/\w+\.py)\b(.*)')
OPTION = re.compile(r'(?<![\w-])--[a-z][a-z-]*')
# What a reader makes by following the page, and a name that stands for any.
MADE = ('configs/ssfer/mine.py', 'configs/ssfer/X.py')


def text_of(page: str) -> str:
    return (REPO / page).read_text(encoding='utf-8')


def anchor(title: str) -> str:
    """Of a title, as GitHub makes it."""
    return re.sub(r'[^\w\- ]', '', title.strip().lower()).replace(' ', '-')


def in_braces(path: str) -> list[str]:
    """``a_{b,c}.py`` -> ``a_b.py``, ``a_c.py``."""
    parts = [part.strip('{}').split(',') for part in re.split(r'(\{[^}]*\})', path)]
    return [''.join(choice) for choice in product(*parts)]


@lru_cache(None)
def help_of(tool: str) -> str:
    """Run here, where everything is imported already."""
    said = io.StringIO()
    with mock.patch('sys.argv', [tool, '--help']), redirect_stdout(said), \
            pytest.raises(SystemExit) as end:
        runpy.run_path(str(REPO / tool), run_name='__main__')
    assert not end.value.code
    return said.getvalue()


@pytest.mark.parametrize('page', PAGES)
def test_links_lead_somewhere(page):
    folder = (REPO / page).parent
    if page.endswith('template.md'):  # becomes a page of the top folder
        folder = REPO
    for link in LINK.findall(BLOCK.sub('', text_of(page))):
        path, _, title = link.partition('#')
        if '://' in link:
            continue
        target = (folder / path).resolve() if path else REPO / page
        assert target.exists(), f'{page}: {link}'
        if title and target.suffix == '.md':
            titles = TITLE.findall(BLOCK.sub('', target.read_text(encoding='utf-8')))
            assert title in map(anchor, titles), f'{page}: {link}'


@pytest.mark.parametrize('page', PAGES)
def test_files_that_are_named_are_there(page):
    for named in FILE.findall(text_of(page)):
        for path in in_braces(named):
            assert path in MADE or any(REPO.glob(path)), f'{page}: {named}'


@pytest.mark.parametrize('page', PAGES)
def test_commands_have_these_options(page):
    for tool, rest in COMMAND.findall(text_of(page).replace('\\\n', ' ')):
        # What follows the command: a comment, the end of inline code.
        for option in OPTION.findall(re.split(r'[`#|]| && ', rest)[0]):
            assert option in help_of(tool), f'{page}: {tool} {option}'
