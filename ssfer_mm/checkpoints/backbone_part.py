"""Find a backbone in a file of weights, whoever trained it and whatever else the file holds.

Three tables say what is known of others' files: what stands before a backbone's names, what is no
part of a backbone, and other names of the same weights. What fits best is taken; whether that is
all of the backbone is for whoever loads it to check.
"""
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, Iterator, List, Optional

from torch import Tensor

from .names import from_sequential_resnet, to_mmpretrain

# What stands before a backbone's names; of several networks in one file the first here is taken.
# So: a teacher before its student (DINO, SSFER), the trained network before its moving average
# (BYOL, MoCo). Averages that are no teacher are not here: they are never taken.
PREFIXES = {
    'teacher.': 'SSFER, DINO, iBOT: the average that they evaluate',
    'teacher_backbone.': 'lightly: DINO',
    'backbone.': 'mmpretrain, lightly, solo-learn, SimCLR, VICReg, DINO below teacher',
    'encoder_q.': 'MoCo v1 and v2; encoder_k is its average',
    'base_encoder.': 'MoCo v3; momentum_encoder is its average',
    'query_backbone.': 'lightly: MoCo; key_backbone is its average',
    'online_encoder.': 'BYOL; target_encoder is its average',
    'online_network.': 'BYOL; target_network is its average',
    'student_backbone.': 'lightly: DINO without its teacher',
    'student.': 'DINO without its teacher',
    'encoder.': 'SimSiam, SupContrast, SimCLR',
    'model.': "a module of PyTorch Lightning's",
    'network.': "a module of PyTorch Lightning's",
    'net.': 'BYOL, below online_encoder',
    'vit.': 'lightly: ViTs of timm, below backbone',
    'timm_model.': "mmpretrain's TIMMBackbone",
    'module.': 'a part that was trained in parallel',
}
# What stands beside a backbone's weights, behind the same prefix, and is no part of it, unless the
# backbone to fill has such names: scores, projections for stage I, tokens for what is masked.
NO_BACKBONE = ('fc.', 'head.', 'classifier.', 'projection_head.', 'projector.', 'predictor.',
               'prototypes.', 'mask_token', 'masked_embed')
ELSEWHERE = 'neck.'  # where mmpretrain's names of a MAE have the decoder


def _timm_vit(name: str) -> Optional[str]:
    ours = to_mmpretrain(name)
    return ours and ours.removeprefix('backbone.')


# Other names of the same weights; None for a weight that they do not have.
NAMINGS: Dict[str, Callable[[str], Optional[str]]] = {
    'its own': lambda name: name,
    "timm's ViT": _timm_vit,
    'a ResNet as nn.Sequential': from_sequential_resnet,
}


@dataclass(frozen=True)
class BackbonePart:
    """What of a file goes into a backbone.

    Attributes:
        weights: Under the backbone's own names; those that it does not know are among them.
        prefix: What stood before their names in the file; '' for nothing.
        left: Names, in the file, of what is no part of the backbone.
    """
    weights: Dict[str, Tensor]
    prefix: str
    left: List[str]


def backbone_part(state: Dict[str, Tensor], own: Iterable[str]) -> BackbonePart:
    """The part of a file's weights that is meant for a backbone.

    Args:
        state: As from `weights_in`.
        own: The names of the backbone's weights.

    Example:
        >>> part = backbone_part({'encoder_q.w': 1, 'encoder_q.fc.w': 2, 'encoder_k.w': 3}, ['w'])
        >>> part.weights, part.prefix, part.left
        ({'w': 1}, 'encoder_q.', ['encoder_q.fc.w', 'encoder_k.w'])
    """
    own = list(own)
    *_, outer = _levels(own, every=True)
    wanted = {name.removeprefix(outer) for name in own}
    foreign = tuple(part for part in NO_BACKBONE if not any(n.startswith(part) for n in wanted))
    best: Dict[str, str] = {}
    found, prefix = -1, ''
    for level in _levels(state):
        below = [name for name in state if name.startswith(level)
                 and not name[len(level):].startswith(foreign)]
        for naming in NAMINGS.values():
            names = {name: naming(name[len(level):]) or name[len(level):] for name in below}
            fitting = len(wanted.intersection(names.values()))
            if len({*names.values()}) < len(names):
                continue  # two weights cannot have one name
            # Of levels that have nothing of the backbone the deepest makes the best message.
            if fitting > found or (fitting == found == 0 and level != prefix):
                best, found, prefix = names, fitting, level
    best = {name: new for name, new in best.items() if not new.startswith(ELSEWHERE)}
    return BackbonePart({outer + new: state[name] for name, new in best.items()}, prefix,
                        [name for name in state if name not in best])


def _levels(names: Iterable[str], every: bool = False) -> Iterator[str]:
    """'' and then ever longer prefixes of the table; ``every``: such as all names have."""
    prefix, below, which = '', list(names), all if every else any
    yield prefix
    while below:
        first = next((p for p in PREFIXES if which(name.startswith(p) for name in below)), None)
        if first is None:
            return
        prefix += first
        below = [name.removeprefix(first) for name in below if name.startswith(first)]
        yield prefix


def grouped(names: List[str], prefix: str = '') -> List[str]:
    """Many names in a few words: three or more of one part of a model as ``part.* (number)``.

    Args:
        names: Of weights.
        prefix: Below it parts of parts are told apart.

    Example:
        >>> grouped(['queue', 'q.fc.weight', 'q.fc.bias', 'k.a.w', 'k.a.b', 'k.b.w'], 'q.')
        ['queue', 'q.fc.weight', 'q.fc.bias', 'k.* (3)']
    """
    groups: Dict[str, List[str]] = {}
    for name in names:
        shared = _shared(name, prefix)
        groups.setdefault(shared + name[len(shared):].partition('.')[0], []).append(name)
    return [text for part, members in groups.items() for text in (
        members if len(members) < 3 else [f'{part}.* ({len(members)})'])]


def _shared(name: str, prefix: str) -> str:
    """The beginning that a name has in common with a prefix, in whole parts."""
    shared = ''
    for ours, theirs in zip(name.split('.'), prefix.split('.')[:-1]):
        if ours != theirs:
            break
        shared += ours + '.'
    return shared
