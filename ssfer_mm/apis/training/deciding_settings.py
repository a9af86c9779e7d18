"""The settings that decide about what a training ends with."""
import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any, Dict

from mmengine.config import Config

from ssfer_mm.engine import CheckpointFolder
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import write_json

from .own_work_dir import make_work_dir

# Differences in these do not make it another experiment.
NOT_THE_EXPERIMENT = ('work_dir', 'resume', 'load_from', 'launcher', 'env_cfg',
                      'model_wrapper_cfg', 'experiment_name')
# Differences in these change no figure of a finished run.
NOT_THE_RESULT = {*NOT_THE_EXPERIMENT, 'default_hooks', 'log_level', 'visualizer', 'vis_backends'}
# Names that lead to the same result as others: stage I needs no more of an item than its pixels.
SAME_RESULT = {'PackImage': 'PackFace'}
NOTE = 'settings.json'
STAGE_ONE = 'stage I'  # the key under which a run notes what it starts from


def flat_settings(cfg: Config) -> Dict[str, Any]:
    """Dotted key -> value of all that decides about the result."""
    flat: Dict[str, Any] = {}
    unread = {'num_workers', 'persistent_workers', 'pin_memory', 'val_interval'}
    if not cfg.get('auto_scale_lr', {}).get('enable'):
        unread.add('base_batch_size')

    def walk(node: Any, key: str) -> None:
        children = (node.items() if isinstance(node, dict) else enumerate(node)
                    if isinstance(node, (list, tuple)) else None)
        if children is None or not node:
            flat[key] = SAME_RESULT.get(node, node) if isinstance(node, str) else node
            return
        for child, value in children:
            if child not in unread:
                walk(value, f'{key}.{child}' if key else str(child))

    # Through JSON, so that tuples and numbers compare as what a file gives back.
    plain = {k: v for k, v in cfg._cfg_dict.to_dict().items() if k not in NOT_THE_RESULT}
    walk(json.loads(json.dumps(plain, default=str)), '')
    return flat


def start_from(settings: Dict[str, Any], stage_one: Dict[str, Any]) -> None:
    """Have the settings of a run say which stage I it starts from, wherever its weights lie.

    Args:
        settings: Of the run; its ``model.pretrained`` is replaced in place.
        stage_one: Of stage I, as from `flat_settings`.
    """
    del settings['model.pretrained']
    content = json.dumps(stage_one, sort_keys=True)
    settings[STAGE_ONE] = hashlib.sha256(content.encode()).hexdigest()


def note_settings(folder: Path, settings: Dict[str, Any]) -> None:
    """Write what a run is trained with to ``settings.json`` in its work dir, when it begins."""
    if not _has_begun(folder):
        make_work_dir(folder)
        write_json(folder / NOTE, settings)


def refuse_other_settings(folder: Path, settings: Dict[str, Any]) -> None:
    """Keep a run from being taken for that of other settings.

    Args:
        folder: Its work dir; where no run has begun, all settings are welcome.
        settings: As from `flat_settings`.

    Raises:
        UserError: The run there was noted to have others.
    """
    former = settings  # of a run that left no note
    if _has_begun(folder):
        with contextlib.suppress(OSError, ValueError, TypeError):
            former = dict(json.loads((folder / NOTE).read_text(encoding='utf-8')))
            if STAGE_ONE in settings:  # older notes do not tell
                former.setdefault(STAGE_ONE, settings[STAGE_ONE])
    keys = [key for key in sorted(former.keys() | settings.keys())
            if former.get(key) != settings.get(key)]
    if keys:
        more = f' and {len(keys) - 3} more' if len(keys) > 3 else ''
        raise UserError(
            f'{folder} holds a run with other settings (differs in {", ".join(keys[:3])}{more}). '
            'Give this one its own --work-dir, or go back to those; or rename that folder')


def _has_begun(folder: Path) -> bool:
    return CheckpointFolder(str(folder)).newest() is not None
