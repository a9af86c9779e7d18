"""What ``tools/test.py`` tests: the checkpoint of a training, or a plain classifier."""
from pathlib import Path
from typing import Dict

import torch
from mmengine.config import Config
from mmengine.logging import print_log

from ssfer_mm.checkpoints import unwrapped
from ssfer_mm.checkpoints.load import load_into
from ssfer_mm.errors import UserError
from ssfer_mm.models.export import classifier_config
from ssfer_mm.safe_loading import load_checkpoint_safely


def weights_of(checkpoint: str) -> Dict[str, torch.Tensor]:
    """The state_dict of a checkpoint, of a training or plain, without what wrappers add to names.

    Raises:
        UserError: the file is missing, damaged, unsafe, or holds no weights.
    """
    loaded = load_checkpoint_safely(checkpoint)
    weights = unwrapped(loaded.get('state_dict', loaded))
    if not any(isinstance(value, torch.Tensor) for value in weights.values()):
        raise UserError(f'Checkpoint {checkpoint} holds no weights; found {list(weights)[:5]}, '
                        'expected a state_dict. Name a .pth file that training wrote.')
    return weights


def use_model_of(cfg: Config, weights: Dict[str, torch.Tensor], checkpoint: str) -> None:
    """Make ``cfg.model`` the plain classifier if that is what the checkpoint holds.

    Args:
        cfg: Changed in place.
        weights: The checkpoint's state_dict.
        checkpoint: Its path, for the error message.

    Raises:
        UserError: the checkpoint has no classification head (a pre-training one).
    """
    parts = {name.split('.')[0] for name in weights}
    if cfg.model.type != 'SSFER' or parts & {'student', 'teacher'}:
        return
    if not {'backbone', 'head'} <= parts or 'neck.mask_token' in weights:
        raise UserError(f'Checkpoint {checkpoint} holds {", ".join(sorted(parts))}; expected '
                        'student and teacher, or backbone and head. Name one that stage II or III '
                        'of tools/train.py wrote, or an exported classifier.')
    # A whole new dict: assigning into cfg.model would keep the wrapper's other settings.
    cfg._cfg_dict['model'] = Config(dict(model=classifier_config(cfg))).model
    cfg.custom_hooks = []  # ours look into student and teacher


def load_tested_weights(model: torch.nn.Module, weights: Dict[str, torch.Tensor],
                        checkpoint: str) -> None:
    """Load weights, or refuse those that do not fit: mmengine only logs it, and would evaluate
    random ones.

    Raises:
        UserError: a weight is missing or has another shape.
    """
    wrong = []
    for name, value in model.state_dict().items():
        if name not in weights:
            wrong.append(f'{name} is missing')
        elif weights[name].shape != value.shape:
            wrong.append(f'{name} is {tuple(weights[name].shape)}, not {tuple(value.shape)}')
    if wrong:
        raise UserError(f'Checkpoint {checkpoint} does not fit the model of this config: {wrong[0]}'
                        f' ({len(wrong)} such). Name the config that it was trained with.')
    load_into(model, weights)
    print_log(f'Load checkpoint from {checkpoint}', logger='current')


def beside_the_training(cfg: Config) -> Config:
    """A test's config by another name: its runner writes it to where the training's own lies."""
    if not cfg.filename:
        return cfg
    file = Path(cfg.filename)
    return Config(cfg.to_dict(), cfg_text=cfg.text,
                  filename=str(file.with_name(f'{file.stem}_test{file.suffix}')))
