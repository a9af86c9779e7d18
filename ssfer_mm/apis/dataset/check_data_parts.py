"""From a config of any stage to the parts of its data, and what keeps them from being read."""
import inspect
import logging
import os.path as osp
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS

from ssfer_mm.audit.check_batches import check_batches, check_epoch
from ssfer_mm.audit.check_labels import split_findings
from ssfer_mm.audit.findings import ERROR, WARNING, Finding
from ssfer_mm.audit.parts import Part
from ssfer_mm.class_lists import check_class_count
from ssfer_mm.datasets.base import FERDataset
from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.labeled import build_labeled
from ssfer_mm.datasets.same_images import image_keys
from ssfer_mm.datasets.split_recipe import check_recipe
from ssfer_mm.datasets.splits import Split, load_split, split_hash
from ssfer_mm.errors import UserError, one_line
from ssfer_mm.transforms import packs_face_box

# Wrappers that hold all images of what they wrap, some perhaps several times.
WRAPPERS = ('ConcatDataset', 'RepeatDataset', 'ClassBalancedDataset')


@dataclass
class DataOfConfigs:
    """What there is to check.

    Attributes:
        parts: All parts, training parts first.
        findings: What went wrong on the way.
    """
    parts: List[Part] = field(default_factory=list)
    findings: List[Finding] = field(default_factory=list)

    @contextmanager
    def reading(self, part: str, kind: str = 'data') -> Iterator[None]:
        """An error of the data inside becomes a finding about a part."""
        try:
            yield
        except UserError as error:
            self.findings.append(Finding(ERROR, kind, part, one_line(error)))


def data_of_configs(cfgs: Sequence[Config]) -> DataOfConfigs:
    """The parts of one training, or of a training and its stage I.

    Args:
        cfgs: Configs as from ``load_config``.

    Raises:
        UserError: A config names no data at all.
    """
    data = DataOfConfigs()
    for cfg in cfgs:
        loaders = {name: (cfg.get(f'{name}_dataloader') or {}).get('dataset')
                   for name in ('train', 'val', 'test')}
        if not any(loaders.values()):
            raise UserError(f'{cfg.filename} names no data: give a training config, one with '
                            'train_dataloader.dataset')
        before = len(data.parts), len(data.findings)
        with quiet():
            if loaders['train']:
                for settings in _unwrapped(loaders['train']):
                    _add_training(data, cfg, settings)
                _check_batches(data, cfg, before)
            if loaders['val'] and loaders['val'] != loaders['test']:
                _add_held_out(data, 'validation', loaders['val'])
            if loaders['test']:
                _add_held_out(data, 'test', loaders['test'])
    _name_apart(data.parts)
    return data


@contextmanager
def quiet() -> Iterator[None]:
    """Without what datasets log while they are read; the report says it better."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _unwrapped(settings: Mapping) -> Iterator[Dict[str, Any]]:
    """The datasets inside :data:`WRAPPERS`."""
    settings = ConfigDict(settings).to_dict()
    if settings.get('type') not in WRAPPERS:
        yield settings
        return
    for inside in settings.get('datasets') or [settings.get('dataset')]:
        yield from _unwrapped(inside)


def _add_training(data: DataOfConfigs, cfg: Config, settings: Dict[str, Any]) -> None:
    if settings.get('type') == 'StoredFaces':
        data.findings.append(Finding(
            WARNING, 'stores', 'pre-training', 'the stores of StoredFaces are not looked into',
            'Check a folder of the same images, as UnlabeledFaces.'))
        return
    if not isinstance(settings.get('dataset'), Mapping):
        first = settings.get('type') == 'UnlabeledFaces' or _is_stage_one(cfg)
        role = 'pre-training' if first else 'labeled'
        _add(data, role, role, settings)
        return
    unlabeled_pipeline, guarded = settings.get('unlabeled_pipeline'), not _allows_unlabeled(cfg)
    with data.reading('labeled'):
        dataset = build_labeled(dict(settings['dataset']))
        with data.reading('labeled', 'classes'):
            check_class_count(dataset, (cfg.get('data_preprocessor') or {}).get('num_classes'))
        split = _split(data, cfg, settings.get('split'), dataset)
        ids = dataset.ids()
        chosen = set(ids if settings.get('split') is None else split.labeled if split else ())
        labeled = [row for row, name in enumerate(ids) if name in chosen]
        rest = [row for row, name in enumerate(ids) if name not in chosen]
        part = _part('labeled', 'labeled', dataset, labeled, guarded=True)
        with data.reading('labeled', 'boxes'):
            _add_boxes(part, dataset, settings['dataset'].get('boxes'))
        data.parts.append(part)
        if rest and unlabeled_pipeline is not None:
            data.parts.append(_part('unlabeled', 'unlabeled', dataset, rest, guarded))
    if unlabeled_pipeline is not None:
        for extra in settings.get('extra_unlabeled') or ():
            _add(data, 'extra unlabeled', 'unlabeled', dict(extra, pipeline=unlabeled_pipeline),
                 guarded)


def _allows_unlabeled(cfg: Config) -> bool:
    """Whether a ``HeldOutHook`` lets held-out images be among the unlabeled ones."""
    return any(hook.get('type') == 'HeldOutHook' and hook.get('allow_unlabeled')
               for hook in cfg.get('custom_hooks') or ())


def _is_stage_one(cfg: Config) -> bool:
    """Whether the model asks for no labels, whatever the images come with."""
    kind = (cfg.get('model') or {}).get('type')
    model = MODELS.get(kind) if isinstance(kind, str) else kind
    return inspect.isclass(model) and issubclass(model, BaseSelfSupervisor)


def _check_batches(data: DataOfConfigs, cfg: Config, before: Tuple[int, int]) -> None:
    """Against the parts that the config's training has added, if all of them could be read."""
    parts, findings = data.parts[before[0]:], data.findings[before[1]:]
    loader, loop = cfg.train_dataloader, cfg.get('train_cfg') or {}
    if any(finding.severity == ERROR for finding in findings) or (
            loader.dataset.get('type') in WRAPPERS):  # which may repeat images
        return
    if isinstance(loader.dataset.get('dataset'), Mapping):
        labeled, unlabeled = (sum(len(part.ids) for part in parts if part.role == role)
                              for role in ('labeled', 'unlabeled'))
        data.findings += check_batches(loader, loop, labeled, unlabeled)
    elif parts:  # one dataset, as in stage I
        data.findings += check_epoch(loader, loop, parts[0].name, len(parts[0].ids))


def _add_held_out(data: DataOfConfigs, role: str, settings: Mapping) -> None:
    for each in _unwrapped(settings):
        _add(data, role, role, each)


def _add(data: DataOfConfigs, name: str, role: str, settings: Mapping,
         guarded: bool = False) -> None:
    with data.reading(name):
        dataset = build_labeled(dict(settings))
        part = _part(name, role, dataset, range(len(dataset)), guarded)
        with data.reading(name, 'boxes'):
            _add_boxes(part, dataset, settings.get('boxes'),
                       packs_face_box(settings.get('pipeline') or ()))
        data.parts.append(part)


def _part(name: str, role: str, dataset: FERDataset, rows: Sequence[int],
          guarded: bool = False) -> Part:
    infos, scope = [dataset.get_data_info(int(row)) for row in rows], dataset.id_scope()
    unlabeled = role in ('unlabeled', 'pre-training')
    roots = dataset.data_root
    where = roots if isinstance(roots, str) else ', '.join(roots or ())
    return Part(
        name=name, role=role, source=f'{dataset.name} {dataset.subset} ({where})',
        ids=[info['sample_id'] for info in infos],
        images=[info['img'] if info.get('img') is not None else info['img_path']
                for info in infos],
        keys=[tuple(image_keys(info, scope)) for info in infos],
        labels=None if unlabeled else np.array([info.get('gt_label', 0) for info in infos], int),
        classes=tuple(dataset.metainfo['classes']),
        drawn=getattr(dataset, 'DRAWN', False), guarded=guarded,
        # Whose labels the split hides is the same dataset: they are told of once.
        loose=[] if role == 'unlabeled' else list(dataset.loose),
        skips_unreadable=getattr(dataset, 'on_unreadable', 'error') == 'skip')


def _add_boxes(part: Part, dataset: FERDataset, boxes: Any, packed: bool = True) -> None:
    """The boxes of a part's images, as training reads them; kept where ``PackFace`` packs them."""
    if boxes in (None, 'image'):
        return
    dataset.boxes = boxes
    items = {item['sample_id']: item for item in dataset.load_data_list()}
    if not packed:
        return
    chosen = [items[name] for name in part.ids]
    part.boxes = np.array([item['face_box'] for item in chosen], np.float32).reshape(-1, 4)
    part.box_sizes = np.array([item.get('face_box_size', (0, 0)) for item in chosen],
                              int).reshape(-1, 2)
    rule = '' if not isinstance(boxes, Mapping) else f', choose={boxes.get("choose", "only")!r}'
    file = boxes.get('file') if isinstance(boxes, Mapping) else boxes
    part.box_source = 'the dataset' if file == 'dataset' else f'{file}{rule}'


def _split(data: DataOfConfigs, cfg: Config, recipe: Any, dataset: FERDataset) -> Optional[Split]:
    """The split that training would use, compared with the data and with the run's record."""
    if recipe is None:
        return None
    ids, labels = dataset.ids(), dataset.labels()
    classes, found = dataset.metainfo['classes'], None
    with data.reading('labeled', 'split'):
        options = dict(recipe) if isinstance(recipe, Mapping) else dict(file=recipe)
        check_recipe(options)
        file = options.pop('file', None)
        if file and (osp.isfile(osp.expanduser(file)) or not options):
            found = load_split(file)
            data.findings += split_findings(found, dataset.name, classes, ids, labels)
            data.findings += _other_recipe(found, file, options)
        else:
            found = draw_split(dataset.name, classes, ids, labels, **options)
        data.findings += _recorded(cfg, found)
    return found


def _other_recipe(split: Split, file: str, options: Mapping) -> List[Finding]:
    other = [(key, value) for key, value in options.items() if getattr(split, key, None) != value]
    return [Finding(ERROR, 'split', 'labeled', f'{file} has {key}={getattr(split, key, None)}, the '
                    f'config asks for {key}={value}', 'Correct one of them.')
            for key, value in other]


def _recorded(cfg: Config, split: Split) -> List[Finding]:
    """Whether a run that the config would resume was made with another split."""
    folder = cfg.get('work_dir') or Path('work_dirs') / Path(cfg.filename or 'unnamed').stem
    path = Path(folder) / 'split.json'
    if not path.is_file():
        return []
    try:
        recorded = split_hash(load_split(str(path)))
    except UserError as error:
        return [Finding(WARNING, 'recorded split', 'labeled', str(error))]
    if recorded == split_hash(split):
        return []
    return [Finding(WARNING, 'recorded split', 'labeled', f'{path} records another split (hash '
                    f'{recorded[:12]}) than the config draws ({split_hash(split)[:12]})',
                    '--resume will refuse: restore the config, or use a new --work-dir.')]


def _name_apart(parts: Sequence[Part]) -> None:
    """Parts of one name get numbers."""
    seen: Dict[str, int] = {}
    for part in parts:
        name = part.name
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            part.name = f'{name} {seen[name]}'


def paths_and_pixels(parts: Sequence[Part]) -> Tuple[List[str], List[Tuple[Part, int]]]:
    """Absolute paths of all image files, each once; places of the images held in memory."""
    paths, pixels = {}, []
    for part in parts:
        for row, image in enumerate(part.images):
            if isinstance(image, str):
                paths[osp.abspath(image)] = None
            else:
                pixels.append((part, row))
    return list(paths), pixels
