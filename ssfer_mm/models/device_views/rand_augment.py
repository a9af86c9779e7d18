"""RandAugment of whole batches: drawn on the host, applied on the device."""
from dataclasses import dataclass
from numbers import Number
from typing import Dict, List, Sequence, Tuple, Union

import torch
from mmpretrain.datasets.transforms import RandAugment
from torch import Tensor

from ssfer_mm.errors import UserError

from .blends import BLENDS
from .tables import FIXED, OF_IMAGE
from .transfer import send
from .warps import WARPS, identities, warp

KNOWN = (*FIXED, *OF_IMAGE, *BLENDS, *WARPS)


@dataclass(frozen=True)
class Layer:
    """One operation per image; host tensors (n,).

    Attributes:
        policy: int64, index into the policies, -1 where nothing is done.
        magnitude: float64, in the operation's own unit, its sign drawn; 0 where it has none.
    """
    policy: Tensor
    magnitude: Tensor


class BatchRandAugment:
    """mmpretrain's ``RandAugment``, for a batch at a time.

    Policies, probabilities, magnitudes and their spread are read from the stock transform itself.
    Which images get which operation is known on the host, so each operation runs on its own part
    of the batch and the device is never waited for. Images are BGR; warps are bicubic.

    Args:
        policies: ``'timm_increasing'``, ``'simple_increasing'``, or a list of policy configs.
        num_policies: How many are applied to an image, drawn with replacement.
        magnitude_level: From 0 to ``total_level``.
        magnitude_std: Spread of the level; ``'inf'`` draws it uniformly from 0 up.
        total_level: The highest level.
        pad_val: What warps fill in: one value, or one for each of B, G and R.

    Raises:
        UserError: A policy is none of those that are known here, or sets something that is not.
    """

    def __init__(self,
                 policies: Union[str, Sequence[dict]] = 'timm_increasing',
                 num_policies: int = 2,
                 magnitude_level: float = 9,
                 magnitude_std: Union[Number, str] = 0.5,
                 total_level: float = 10,
                 pad_val: Union[int, Sequence[int]] = (103, 117, 150)) -> None:
        stock = RandAugment(
            policies=policies if isinstance(policies, str) else list(policies),
            num_policies=num_policies, magnitude_level=magnitude_level,
            magnitude_std=magnitude_std, total_level=total_level, hparams=dict())
        self.names = [_name(transform) for transform in stock]
        rows = [_row(transform) for transform in stock]
        self.prob, self.negative_prob, self.low, self.high = torch.tensor(
            rows, dtype=torch.float64).T.contiguous()
        self.num_policies = num_policies
        self.magnitude_level = float(magnitude_level)
        self.magnitude_std = magnitude_std
        self.total_level = float(total_level)
        values = [pad_val] * 3 if isinstance(pad_val, Number) else list(pad_val)
        if len(values) != 3:
            raise UserError(f'BatchRandAugment: pad_val is one value or three, got {pad_val!r}')
        self.pad_val = torch.tensor(values, dtype=torch.float32).view(3, 1, 1)

    def draw(self, count: int) -> List[Layer]:
        """Draw what is done to ``count`` images, from torch's generator on the host."""
        shape = (self.num_policies, count)
        policy = torch.randint(len(self.names), shape)
        applied, negative, spread = torch.rand(3, *shape, dtype=torch.float64)
        if self.magnitude_std == 'inf':
            level = spread * self.magnitude_level
        else:
            noise = torch.randn(shape, dtype=torch.float64)
            level = self.magnitude_level + noise * max(self.magnitude_std, 0)
            if self.magnitude_std > 0:
                level = level.clamp(0, self.total_level)
        low, high = self.low[policy], self.high[policy]
        magnitude = low + level / self.total_level * (high - low)
        magnitude = torch.where(negative < self.negative_prob[policy], -magnitude, magnitude)
        policy = torch.where(applied <= self.prob[policy], policy, -1)
        return [Layer(*layer) for layer in zip(policy, magnitude)]

    def apply(self, images: Tensor, layers: Sequence[Layer]) -> Tensor:
        """Change ``images``, float32 (n, 3, H, W), whole numbers in 0-255, **in place**."""
        for layer in layers:
            parts = self._parts(layer)
            self._look_up(images, parts)
            self._blend(images, parts)
            self._warp(images, parts)
        return images

    def _parts(self, layer: Layer) -> Dict[str, Tuple[Tensor, Tensor]]:
        """Name of an operation -> the images that get it, and their magnitudes; on the host."""
        order = layer.policy.argsort(stable=True)
        counts = torch.bincount(layer.policy + 1, minlength=len(self.names) + 1).tolist()
        indices = order.split(counts)[1:]  # the first part is that to which nothing is done
        parts: Dict[str, List[Tensor]] = {}
        for name, index in zip(self.names, indices):
            if len(index):
                parts.setdefault(name, []).append(index)
        joined = {name: torch.cat(several) for name, several in parts.items()}
        return {name: (index, layer.magnitude[index]) for name, index in joined.items()}

    def _look_up(self, images: Tensor, parts: Dict[str, Tuple[Tensor, Tensor]]) -> None:
        """Whatever is a table, in one gather."""
        of_image = [name for name in parts if name in OF_IMAGE]
        fixed = [name for name in parts if name in FIXED]
        if not of_image and not fixed:
            return
        device = images.device
        index = send(torch.cat([parts[name][0] for name in (*of_image, *fixed)]), device)
        chosen = images.index_select(0, index)
        tables, start = [], 0
        for name in of_image:
            magnitude = send(parts[name][1].float(), device)
            own = chosen[start:start + len(magnitude)]
            tables.append(OF_IMAGE[name](own, magnitude))
            start += len(magnitude)
        if fixed:
            table = torch.cat([FIXED[name](parts[name][1].float()[:, None]) for name in fixed])
            tables.append(send(table, device)[:, None].expand(-1, 3, -1))
        table = torch.cat(tables)
        changed = table.gather(2, chosen.flatten(2).long()).view_as(chosen)
        images.index_copy_(0, index, changed)

    def _blend(self, images: Tensor, parts: Dict[str, Tuple[Tensor, Tensor]]) -> None:
        for name, blend in BLENDS.items():
            if name in parts:
                index = send(parts[name][0], images.device)
                magnitude = send(parts[name][1].float(), images.device)
                images.index_copy_(0, index, blend(images.index_select(0, index), magnitude))

    def _warp(self, images: Tensor, parts: Dict[str, Tuple[Tensor, Tensor]]) -> None:
        """Whatever moves pixels, in one resampling."""
        names = [name for name in parts if name in WARPS]
        if not names:
            return
        matrices = []
        for name in names:
            magnitude = parts[name][1]
            matrices.append(identities(len(magnitude)))
            WARPS[name](matrices[-1], magnitude, tuple(images.shape[-2:]))
        index = send(torch.cat([parts[name][0] for name in names]), images.device)
        pad_val = send(self.pad_val, images.device)
        moved = warp(images.index_select(0, index), torch.cat(matrices), pad_val)
        images.index_copy_(0, index, moved)


def _name(transform: object) -> str:
    """What a stock transform is called here."""
    name = type(transform).__name__
    direction = getattr(transform, 'direction', None)
    name = f'{name} {direction}' if direction else name
    if name not in KNOWN:
        raise UserError(f'BatchRandAugment does not know the policy {name}: use '
                        f'{", ".join(KNOWN)}, or augment in the pipeline (views=None)')
    return name


def _row(transform: object) -> Tuple[float, float, float, float]:
    """Probability, probability of a negative magnitude, and the magnitude's range."""
    name = type(transform).__name__
    fixed = [key for key in ('magnitude', 'angle', 'thr', 'bits', 'center')
             if getattr(transform, key, None) is not None
             and (name, key) != ('SolarizeAdd', 'thr')]
    if fixed or getattr(transform, 'scale', 1.0) != 1.0 or getattr(transform, 'thr', 128) not in (
            None, 128):
        raise UserError(f'BatchRandAugment draws the magnitude of {name} from its '
                        f'magnitude_range: remove {", ".join(fixed) or "scale or thr"}')
    low, high = transform.magnitude_range or (0., 0.)
    return transform.prob, transform.random_negative_prob, low, high
