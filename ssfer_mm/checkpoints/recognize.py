"""Tell whose weights a file holds, and bring them to mmpretrain's names, every single one."""
import re
from typing import Dict, List

from torch import Tensor

from ssfer_mm.errors import UserError

from .backbone_part import PREFIXES
from .names import to_mmpretrain, to_timm

# What torch.nn.parallel and averages of a model put in front of every name, what averages count
# beside it (PyTorch's and mmengine's), and what torch.compile puts before the names of a part.
WRAPPER, COUNTERS = 'module.', {'n_averaged', 'steps'}
COMPILED = re.compile(r'(?<![^.])_orig_mod\.')
# Entries of a training checkpoint that hold the weights of one and the same model: which one to
# take is for the user to say.
CONTAINERS = ('state_dict', 'model', 'model_state_dict', 'state_dict_ema', 'model_ema', 'ema')

# Beside student and teacher, a training checkpoint holds running statistics of stage III under
# these names, if its pseudo-label rule keeps any, and how often the teacher was updated.
RUNNING_STATISTICS = ('pseudo_label.', 'fairness.')

LAYOUTS = {
    'ssfer': 'a training checkpoint of this package (student and teacher)',
    'mmpretrain': 'an mmpretrain model',
    'mmpretrain-backbone': 'a bare mmpretrain ViT',
    'timm': 'a timm ViT, or an official MAE',
}


def weights_in(checkpoint: dict, key: str = '') -> Dict[str, Tensor]:
    """The weights inside whatever a file holds around them.

    Args:
        checkpoint: As from `load_checkpoint_safely`.
        key: The entry that holds the weights; '' finds it.

    Returns:
        name -> tensor, without the prefixes of wrappers. Of entries for one network each, such as
        DINO's ``student`` and ``teacher``, all weights, behind the name of the entry.

    Raises:
        UserError: no weights, or several sets of them and no ``key``.
    """
    candidates = [name for name in CONTAINERS if _is_state(checkpoint.get(name))]
    if key:
        if not _is_state(checkpoint.get(key)):
            raise UserError(f'--key {key}: no weights under this entry; the file has '
                            f'{", ".join(candidates or list(checkpoint)[:5])}. Name one of these.')
        state = checkpoint[key]
    elif len(candidates) > 1:
        raise UserError(f'the file holds several sets of weights ({", ".join(candidates)}); '
                        'choose one with --key of tools/convert_checkpoint.py')
    elif candidates:
        state = checkpoint[candidates[0]]
    elif _is_state(checkpoint):
        state = checkpoint
    elif any(f'{name}.' in PREFIXES for name in _networks(checkpoint)):
        return {f'{network}.{name}': value for network, state in _networks(checkpoint).items()
                for name, value in state.items()}
    else:
        raise UserError(f'the file holds no weights: found {", ".join(list(checkpoint)[:5])}; '
                        f'expected tensors, or one of {", ".join(CONTAINERS)}. Name another file.')
    return unwrapped(state)


def _networks(checkpoint: dict) -> Dict[str, Dict[str, Tensor]]:
    return {name: unwrapped(value) for name, value in checkpoint.items() if _is_state(value)}


def unwrapped(state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Without what wrappers add to names, however many there are, and around which part."""
    state = {COMPILED.sub('', name): value for name, value in state.items()}
    names = [name for name in state if name not in COUNTERS]
    while names and all(name.startswith(WRAPPER) for name in names):
        state = {name.removeprefix(WRAPPER): state[name] for name in names}
        names = [name for name in state if name not in COUNTERS]
    return state


def _is_state(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(
        isinstance(tensor, Tensor) for tensor in value.values())


def layout_of(state: Dict[str, Tensor]) -> str:
    """One of `LAYOUTS`, or '' where the names are of none of them."""
    if {'student', 'teacher', 'ema_steps'} <= {name.split('.')[0] for name in state}:
        return 'ssfer'
    if any(name.startswith('backbone.') for name in state):
        return 'mmpretrain'
    if {'cls_token', 'patch_embed.proj.weight', 'blocks.0.norm1.weight'} <= set(state):
        return 'timm'
    if {'cls_token', 'patch_embed.projection.weight', 'layers.0.ln1.weight'} <= set(state):
        return 'mmpretrain-backbone'
    return ''


def in_mmpretrain_names(state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """The weights of one model under mmpretrain's names; the teacher's of student and teacher.

    Raises:
        UserError: an unknown layout, or weights that no name of mmpretrain corresponds to.
    """
    layout = layout_of(state)
    if layout == 'ssfer':
        return _teacher(state)
    if layout == 'mmpretrain':
        return dict(state)
    if layout == 'mmpretrain-backbone':
        return {f'backbone.{name}': value for name, value in state.items()}
    if layout == 'timm':
        return _renamed(state, to_mmpretrain, 'mmpretrain')
    raise UserError(f'these weights are of no known kind (names such as '
                    f'{", ".join(list(state)[:3])}); expected {"; ".join(LAYOUTS.values())}. '
                    'Name another file; as a start for training, model.pretrained also takes '
                    'encoders of MoCo, DINO, BYOL, SimCLR and lightly.')


def in_timm_names(state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """The weights of an mmpretrain ViT or MAE under the names of timm and the official MAE.

    Raises:
        UserError: weights that no name of timm corresponds to.
    """
    return _renamed(state, to_timm, 'timm')


def _renamed(state: Dict[str, Tensor], rule, target: str) -> Dict[str, Tensor]:
    names = {name: rule(name) for name in state}
    unknown = [name for name, new in names.items() if new is None]
    if unknown:
        raise UserError(f'{len(unknown)} of {len(state)} weights have no place in a {target} ViT '
                        f'or MAE: {_list(unknown)}. Only plain ViTs (cls token, learned position '
                        'embedding, no layer scale) and MAEs can be converted.')
    return {names[name]: value for name, value in state.items()}


def _teacher(state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    parts: Dict[str, Dict[str, Tensor]] = {'student': {}, 'teacher': {}}
    unknown: List[str] = []
    for name, value in state.items():
        part, _, rest = name.partition('.')
        if part in parts and rest:
            parts[part][rest] = value
        elif name != 'ema_steps' and not name.startswith(RUNNING_STATISTICS):
            unknown.append(name)
    unknown += [f'{part}.{name}' for part, other in (('student', 'teacher'), ('teacher', 'student'))
                for name in parts[part] if name not in parts[other]]
    if unknown:
        raise UserError(f'{len(unknown)} weights belong neither to both student and teacher nor '
                        f'to the statistics of a training: {_list(unknown)}. The checkpoint is '
                        'incomplete or of another version; train or copy it again.')
    return parts['teacher']


def _list(names: List[str], most: int = 8) -> str:
    return ', '.join(names[:most]) + (f' and {len(names) - most} more' if len(names) > most else '')
