"""All of ``docs/extend.md`` works as it stands there: its files, its configs, its commands."""
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from ssfer_mm.expressions import AFFECTNET7
from ssfer_mm.synthfer import SynthFERGenerator
from support.outcome import scalars, stages
from support.shrink import REPO

SHELL = f'''
set -e
python() {{ PYTHONPATH="$PYTHONPATH:{REPO}" {sys.executable} "$@"; }}
ssfer() {{ python "{REPO}/ssfer_cli.py" "$@"; }}
'''


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf'```{language}\n(.*?)```', text, re.DOTALL)


@pytest.fixture(scope='module')
def sections():
    """Title -> text; what stands before the first title is called 'introduction'."""
    text = (REPO / 'docs' / 'extend.md').read_text(encoding='utf-8')
    titles = ['introduction', *re.findall('^## (.*)$', text, re.MULTILINE)]
    return dict(zip(titles, re.split('^## .*$', text, flags=re.MULTILINE)))


@pytest.fixture(scope='module')
def repository(tmp_path_factory, sections):
    """A folder like the repository, with the page's files and a table of drawn faces."""
    root = tmp_path_factory.mktemp('repository')
    for name in ('configs', 'tools', 'docs'):
        (root / name).symlink_to(REPO / name)
    (root / 'mine').mkdir()
    for text in sections.values():
        for block in blocks('python', text):
            name, content = block.split('\n', 1)
            (root / name.removeprefix('# ')).write_text(content, encoding='utf-8')
    _draw_table(root / 'data' / 'table')
    return root


def _draw_table(folder: Path) -> None:
    (folder / 'photos').mkdir(parents=True)
    generator = SynthFERGenerator(seed=0, size=48, difficulty=0)
    rows, seen = [], dict.fromkeys(AFFECTNET7, 0)
    for number in range(160):
        face = generator.item('train', number)
        if face.label < len(AFFECTNET7):
            expression = AFFECTNET7[face.label]
            seen[expression] += 1
            subset = 'test' if seen[expression] % 4 == 0 else 'train'
            cv2.imwrite(str(folder / 'photos' / f'{number}.png'), face.image[..., ::-1])
            rows.append(f'{subset},photos/{number}.png,{expression}\n')
    (folder / 'faces.csv').write_text(''.join(rows), encoding='utf-8')


@pytest.fixture()
def run(repository, sections):
    """Run the commands of one section -> what they print."""
    def commands(title):
        script = '\n'.join([SHELL, *blocks('bash', sections['introduction']),
                            *blocks('bash', sections[title])])
        done = subprocess.run(['bash', '-c', script], cwd=repository, capture_output=True,
                              text=True, timeout=600, env=dict(os.environ, OMP_NUM_THREADS='1'))
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout
    return commands


def both_stages(folder):
    """The log of a run, one entry per stage."""
    assert stages(folder).keys() == {'supervised', 'semi'}
    log = [line for line in scalars(folder) if 'loss' in line]
    assert len(log) == 2
    return log


def test_every_section_with_code_is_run_here(sections):
    known = ['introduction', 'A dataset', 'A pseudo-label rule, and a loss', 'A face detector',
             'A backbone']
    assert [title for title, text in sections.items() if blocks('bash', text)] == known
    assert sections.keys() == set(known)


def test_dataset(run, repository):
    assert 'Training on these data is sound' in run('A dataset')
    both_stages(repository / 'work_dirs' / 'table')


def test_rule_and_loss(run, repository):
    run('A pseudo-label rule, and a loss')
    semi = both_stages(repository / 'work_dirs' / 'entropy')[1]
    assert 0 < semi['coverage'] < 1 and semi['loss_unlabeled'] > 0, 'weights, not yes and no'


def test_face_detector(run, repository):
    said = run('A face detector')
    found = int(re.search(r'(\d+) with exactly one face', said)[1])
    assert found > 20, said
    supervised = both_stages(repository / 'work_dirs' / 'skin')[0]
    assert 0 < supervised['iou_mean'] < 1


def test_backbone(run, repository):
    assert 'docs/facemix.png' in run('A backbone')
    both_stages(repository / 'work_dirs' / 'tiny')
