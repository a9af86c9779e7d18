"""A small table, and a training that takes no time."""
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from ssfer_mm.datasets import draw_split, save_split
from ssfer_mm.tables import child, command, execute
from ssfer_mm.tables.plan import plan
from ssfer_mm.tables.spec import load_table
from support.shrink import REPO

TABLE = dict(
    title='Toy', config='configs/ssfer/synthfer_5pct_vit-micro.py', fractions=[5, 10],
    seeds=[0, 1],
    options={'train_cfg.supervised.epochs': 4, 'train_cfg.semi.epochs': 2},
    dev={'val_dataloader.dataset.subset': 'train', 'train_cfg.val_interval': 1},
    stage1=dict(faces=dict(config='configs/mae/mae_vit-micro-p8_synthfer-48px.py')),
    rows=dict(
        scratch=dict(title='labels only', stages='II', fractions=[5, 100],
                     options={'data_preprocessor.facemix': None}),
        facemix=dict(title='FaceMix', stages='II', stage1='faces'),
        ssfer=dict(title='SSFER', after='facemix'),
        fixmatch=dict(title='FixMatch', after='facemix', fractions=[5],
                      options={'model.pseudo_labels_from': 'student'})),
    published=[dict(title='theirs', values={5: 81.77})])


@pytest.fixture()
def toy(tmp_path, monkeypatch):
    """A table file in a folder of its own, whose runs the fake trains.

    ``write(**changes)`` changes the file; ``run(*arguments)`` is the command; ``orders(...)`` tells
    the fake what to do.
    """
    split = draw_split('Toy', ('joy', 'fear'), list('abcdefgh'), [0] * 4 + [1] * 4, fraction=.5)
    save_split(split, str(tmp_path / 'made.json'))
    path, results = tmp_path / 'toy.yaml', tmp_path / 'results'
    results.mkdir()
    (results / 'template.md').write_text(f'Words.\n\n<!-- {path}: accuracy -->\n')

    def orders(**what):
        monkeypatch.setenv('FAKE_TRAIN', json.dumps(dict(split=str(tmp_path / 'made.json'),
                                                         **what)))

    def write(**changes):
        content = {**TABLE, 'work_dir': str(tmp_path / 'work'), **changes}
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def run(*arguments):
        return command.main([str(path), '--results', str(results), '--page',
                             str(tmp_path / 'RESULTS.md'), '--jobs', '2', *map(str, arguments)])

    monkeypatch.setattr(child, 'TRAIN', REPO / 'tests' / 'support' / 'fake_train.py')
    # It would become the real tools/train.py.
    monkeypatch.setattr(execute, 'open_fork_server', lambda jobs: None)
    monkeypatch.setattr(execute, 'POLL_SECONDS', 0.01)
    write()
    orders()
    return SimpleNamespace(
        path=path, work=tmp_path / 'work', results=results, page=tmp_path / 'RESULTS.md',
        write=write, run=run, orders=orders, table=lambda dev=False: load_table(str(path), dev),
        plan=lambda dev=False: plan(load_table(str(path), dev)), calls=lambda: calls(tmp_path))


def calls(folder: Path) -> list[str]:
    """Every run that the fake was started for, with repetitions."""
    return sorted('/'.join(file.parts[-3:-1]) for file in folder.glob('work*/*/*/calls.txt')
                  for _ in file.read_text().splitlines())
