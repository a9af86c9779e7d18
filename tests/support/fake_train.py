"""Stands in for tools/train.py: writes in a moment what a training leaves in its work dir.

``FAKE_TRAIN`` may hold JSON: ``fail``, ``hang`` and ``other_metric``, lists of names of runs;
``split``, a split file to copy. A hanging run writes ``hanging`` and waits for a signal; with
``deaf`` it writes ``told`` at a polite one, and goes on.
"""
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

folder = Path(sys.argv[sys.argv.index('--work-dir') + 1])
orders = json.loads(os.environ.get('FAKE_TRAIN', '{}'))
settings = json.loads((folder / 'run.json').read_text())['settings']
name = '/'.join(folder.parts[-2:])
with open(folder / 'calls.txt', 'a') as calls:
    calls.write(' '.join(sys.argv) + '\n')
(folder / 'gpu').write_text(os.environ.get('CUDA_VISIBLE_DEVICES', ''))

if name in orders.get('hang', []):
    if orders.get('deaf'):
        signal.signal(signal.SIGTERM, lambda number, frame: (folder / 'told').touch())
    (folder / 'hanging').touch()
    time.sleep(60)
if name in orders.get('fail', []):
    sys.exit('error: the data are gone')

if folder.parent.name == 'stage1':
    total = settings['train_cfg.max_epochs']
else:
    seed = settings['randomness.seed']
    figures = dict(accuracy=60.0 + 2 * seed, mean_class_accuracy=40.0 + seed)
    figures |= {'recall/joy': 70.0, 'recall/fear': 10.0 + seed}
    if name in orders.get('other_metric', []):
        figures = {'accuracy/top1': 60.0}
    stages = {}
    for stage in ('supervised', 'semi'):
        if f'train_cfg.{stage}.epochs' in settings:
            epochs = settings[f'train_cfg.{stage}.epochs']
            stages[stage] = dict(epochs=epochs, iterations=10 * epochs, seconds=30.0,
                                 metrics=figures, confusion=[[7, 3], [9, 1 + seed]])
    total = sum(stage['epochs'] for stage in stages.values())
    lines = [dict(epoch=e, step=10 * e, loss=1 / e, time=.1) for e in range(1, total + 1)]
    lines += [{'step': total, **figures}]
    if 'semi' in stages:
        lines += [{'step': e, 'pseudo/coverage': .5, 'pseudo/precision': .75,
                   'pseudo/precision/joy': .5 + .1 * seed} for e in range(total - 1, total + 1)]
    log = folder / '20250101_000000' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    (folder / 'stages.json').write_text(json.dumps(stages))
    shutil.copy(orders['split'], folder / 'split.json')
(folder / f'epoch_{total}.pth').write_text(f'weights of {name}')
