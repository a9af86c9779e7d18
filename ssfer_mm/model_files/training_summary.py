"""What can be known of how a model was trained: from its checkpoint and the files beside it."""
import contextlib
import json
from pathlib import Path
from typing import Optional

from ssfer_mm.checkpoints import read_config_text
from ssfer_mm.datasets.splits import load_split
from ssfer_mm.errors import UserError

from .published import published_model, published_path


def training_summary(path: Path, meta: dict, cfg: Optional[dict]) -> dict:
    """Facts about a training, for the metadata of a model and its card.

    Args:
        path: The checkpoint; ``stages.json``, ``split.json`` and the dumped config of its run are
            looked for beside it.
        meta: The checkpoint's ``meta``.
        cfg: The training config, or what is known of it.

    Returns:
        JSON-able; only what is known, so perhaps empty, and no paths of this machine: others will
        read it. Keys: ``run``, ``epoch``, ``stage``,
        ``iterations``, ``seconds``, ``finished``, ``seed``, ``pretrained``, ``train_data``,
        ``test_data`` (each ``type`` and ``subset``), ``split``, ``metrics`` (percent).
    """
    if 'training' in meta:  # converted before
        return dict(meta['training'])
    if 'epoch' not in meta:
        return {}
    dumped = _dumped_config(path.parent)
    # Elsewhere than in the folder of a run, the folder's name may be that of a user.
    in_run = dumped is not None or (path.parent / 'stages.json').is_file()
    cfg = {**(cfg or {}), **(dumped or {})}
    summary = dict(
        run=path.resolve().parent.name if in_run else None,
        epoch=meta['epoch'],
        stage=meta.get('stage'),
        iterations=meta.get('iter'),
        finished=meta.get('time'),
        seed=meta.get('seed', (cfg.get('randomness') or {}).get('seed')),
        pretrained=_started_from(cfg),
        train_data=_data(cfg.get('train_dataloader')),
        test_data=_data(cfg.get('val_dataloader') or cfg.get('test_dataloader')),
        split=_split(path.parent))
    summary.update(_stage(path.parent, meta))
    return {key: value for key, value in summary.items() if value not in (None, {}, '')}


def _started_from(cfg: dict) -> Optional[str]:
    """The weights that a training began with; None if its config leaves that open."""
    model = cfg.get('model') or {}
    pretrained = model.get('pretrained', '')
    if pretrained is None:  # a backbone may name weights of its own
        named = cfg.get('load_from') or published_model(model) != model
        return None if named else 'random weights'
    return published_path(pretrained) if isinstance(pretrained, str) else pretrained


def _dumped_config(folder: Path) -> Optional[dict]:
    """The one config that the run left in its folder, read as plain text."""
    files = [file for file in folder.glob('*.py') if file.name != 'classifier.py']
    if len(files) != 1:
        return None
    with contextlib.suppress(UserError, UnicodeDecodeError, OSError):
        settings = read_config_text(files[0].read_text(encoding='utf-8'), str(files[0]))
        return settings if 'train_dataloader' in settings else None
    return None


def _data(loader: Optional[dict]) -> dict:
    """Type and subset of the innermost dataset of a loader."""
    dataset = (loader or {}).get('dataset') or {}
    while isinstance(dataset.get('dataset'), dict):
        dataset = dataset['dataset']
    return {key: dataset[key] for key in ('type', 'subset', 'num_classes', 'difficulty', 'seed')
            if key in dataset}


def _split(folder: Path) -> Optional[dict]:
    with contextlib.suppress(UserError):
        split = load_split(str(folder / 'split.json'))
        return dict(dataset=split.dataset, seed=split.seed, fraction=split.fraction,
                    per_class=split.per_class, labeled=len(split.labeled),
                    total=sum(total for _, total in split.counts.values()),
                    counts={name: list(pair) for name, pair in split.counts.items()},
                    data_hash=split.data_hash)
    return None


def _stage(folder: Path, meta: dict) -> dict:
    """The stage that ended with this checkpoint, if one did, with its figures.

    ``stages.json`` holds the last figures of each stage. They belong to this checkpoint only if
    the stage ended at its epoch.
    """
    try:
        stages = json.loads((folder / 'stages.json').read_text(encoding='utf-8'))
        epochs = iterations = 0
        for name, stage in stages.items():
            epochs += stage['epochs']
            iterations += stage['iterations']
            if epochs == meta['epoch'] and meta.get('stage') in (None, name):
                return dict(stage=name, iterations=iterations, seconds=round(stage['seconds']),
                            metrics=stage.get('metrics', {}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return {}
