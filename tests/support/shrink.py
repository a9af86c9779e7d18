"""A shipped config made small enough for a test, and otherwise left as it is shipped."""
import itertools
from pathlib import Path
from typing import Mapping, Optional

from mmengine.config import Config

REPO = Path(__file__).resolve().parents[2]
SIZE = 32
PATCH = 8
VIT = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)
LABELED, UNLABELED = 3, 6  # per batch

_numbers = itertools.count()


def configs(*folders: str) -> list[str]:
    """Every config in these folders of ``configs/``, relative to it."""
    found = [path for folder in folders for path in (REPO / 'configs' / folder).glob('*.py')]
    return sorted(path.relative_to(REPO / 'configs').as_posix() for path in found)


def shrink(cfg: Config, work_dir: Path, roots: Mapping[str, Path],
           pretrained: Optional[str] = None) -> Config:
    """Fewer pixels, a smaller network, small batches, one epoch per stage, no workers.

    Args:
        cfg: A config as ``load_config`` gives it.
        work_dir: Where it is to run.
        roots: Folder that the config names (``'data/rafdb'``) -> folder that is really there.
        pretrained: What replaces ``model.pretrained``.
    """
    plain = cfg._cfg_dict.to_dict()
    _walk(plain, roots)
    if 'MAE' in plain['model']['type']:
        _shrink_mae(plain)
    elif plain['model']['type'] == 'SparK':
        _shrink_spark(plain)
    else:
        _shrink_ssfer(plain)
        plain['model']['pretrained'] = pretrained
    for loader in ('val_dataloader', 'test_dataloader'):
        if loader in plain:
            plain[loader]['batch_size'] = 5
    plain['work_dir'] = str(work_dir)
    plain['experiment_name'] = unique_name()
    return Config(plain, filename=cfg.filename)


def unique_name() -> str:
    """mmengine keeps loggers by name for as long as the process lives."""
    return f'test{next(_numbers)}'


def write(cfg: Config, path: Path) -> str:
    """Dump a config to a file that the command-line tools read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cfg.dump(str(path))
    return str(path)


def _walk(node, roots: Mapping[str, Path]) -> None:
    if isinstance(node, list):
        for child in node:
            _walk(child, roots)
    if not isinstance(node, dict):
        return
    if node.get('type') == 'TrackedRandomResizedCrop':
        node['scale'] = SIZE
    if node.get('type') == 'DeviceViews':
        node['size'] = SIZE
    if node.get('type') == 'TrackedResize':
        node['scale'] = (SIZE, SIZE)
    if node.get('type') == 'SynthFER':
        node.update(num_images=32, cache_dir=str(roots['data/synthfer']))
    if 'data_root' in node:
        node['data_root'] = _moved(node['data_root'], roots)
    if node.get('type') == 'TarShards':
        node['path'] = _moved(node['path'], roots)
    if 'num_workers' in node:
        node['num_workers'] = 0
    for child in node.values():
        _walk(child, roots)


def _moved(root, roots: Mapping[str, Path]):
    if isinstance(root, list):
        return [_moved(one, roots) for one in root]
    named = next(name for name in roots if root == name or root.startswith(f'{name}/'))
    return f'{roots[named]}{root[len(named):]}'


def _shrink_mae(cfg: dict) -> None:
    cfg['model']['backbone'].update(arch=VIT, img_size=SIZE, patch_size=PATCH)
    cfg['model']['neck'].update(num_patches=(SIZE // PATCH)**2, patch_size=PATCH, embed_dim=32,
                                decoder_embed_dim=16, decoder_depth=1, decoder_num_heads=2)
    cfg['model']['head'].update(patch_size=PATCH)
    cfg['train_dataloader']['batch_size'] = 6
    cfg['train_cfg']['max_epochs'] = 1


def _shrink_spark(cfg: dict) -> None:
    cfg['model'].update(input_size=SIZE, enc_dec_norm_dim=64)
    cfg['model']['backbone'].update(stem_channels=8, base_channels=8)
    cfg['model']['neck'].update(feature_dim=32)
    cfg['train_dataloader']['batch_size'] = 6
    cfg['train_cfg']['max_epochs'] = 1


def _shrink_ssfer(cfg: dict) -> None:
    classifier = cfg['model']['classifier']
    smaller, channels = {
        'VisionTransformer': (dict(arch=VIT, img_size=SIZE, patch_size=PATCH), 32),
        'ResNet': (dict(stem_channels=8, base_channels=8), 256),
        'ResNet_CIFAR': (dict(stem_channels=8, base_channels=8), 64),
        'ConvNeXt': (dict(arch=dict(depths=[1] * 4, channels=[8, 16, 24, 32])), 32),
        'SwinTransformer': (dict(arch=dict(embed_dims=12, depths=[1] * 4, num_heads=[1, 2, 3, 6]),
                                 img_size=SIZE, pad_small_map=True), 96),
    }[classifier['backbone']['type']]
    classifier['backbone'].update(smaller)
    classifier['head']['in_channels'] = channels
    if (classifier.get('neck') or {}).get('type') == 'LinearNeck':  # reads every token
        tokens = 1 + (SIZE // PATCH)**2
        classifier['neck'].update(in_channels=tokens * channels, out_channels=channels)
    cfg['train_dataloader']['batch_size'] = LABELED
    if cfg['train_cfg'].get('supervised'):
        cfg['train_cfg']['supervised']['epochs'] = 1
    if cfg['train_cfg'].get('semi'):
        cfg['train_cfg']['semi'].update(epochs=1, labeled=LABELED, unlabeled=UNLABELED)
