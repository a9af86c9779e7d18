"""Whether a config describes what a tool does, or something else that lies next to it."""
from pathlib import Path
from typing import Sequence

from mmengine.config import Config

from ssfer_mm.errors import UserError

TRAINS = ('model', 'train_dataloader', 'train_cfg')
TESTS = ('model', 'test_dataloader')


def check_kind(cfg: Config, needed: Sequence[str] = TRAINS) -> None:
    """Refuse a table of runs, a face detector, or a part of a config.

    Args:
        cfg: The config.
        needed: The top-level settings that the tool cannot do without.

    Raises:
        UserError: one is missing; the message tells what the config is for.
    """
    missing = [name for name in needed if not cfg.get(name)]
    if not missing:
        return
    file = cfg.filename or 'the config'
    if 'model' not in cfg and Path(file).suffix in ('.yaml', '.yml'):
        raise UserError(f'{file} is not a config of one training. If it is a table of trainings, '
                        f'as those of configs/tables are: python tools/run_table.py {file}')
    if 'detector' in cfg:
        raise UserError(f'{file} describes a face detector that is not trained here. To find '
                        'faces with it: python tools/detect_faces.py IMAGES --out boxes.jsonl '
                        f'--detector {file}')
    raise UserError(f'{file} has no {", ".join(missing)}: add what is missing (with _base_, or '
                    'directly), or name a config of configs/ssfer, configs/baselines or '
                    'configs/mae')
