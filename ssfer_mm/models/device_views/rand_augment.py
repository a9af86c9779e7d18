"""RandAugment of whole batches: drawn on the host, applied on the device."""
import math
from dataclasses import dataclass
from numbers import Number, Real
from typing import Iterable, List, Sequence, Tuple, Union

import torch
from mmpretrain.datasets.transforms import RandAugment
from torch import Tensor

from ssfer_mm.errors import UserError, one_line
from ssfer_mm.ranges import check_number

from .blends import BLENDS
from .tables import FIXED, OF_IMAGE
from .transfer import send
from .warps import WARPS, identities, warp

# Operations by number: those that are done together stand together.
KNOWN = (*OF_IMAGE, *FIXED, *BLENDS, *WARPS)
NOTHING = len(KNOWN)


@dataclass(frozen=True)
class Layer:
    """One operation per image; host tensors (n,).

    Attributes:
        operation: int64, index into ``KNOWN``, or ``NOTHING``.
        magnitude: float64, in the operation's own unit, its sign drawn; 0 where it has none.
    """
    operation: Tensor
    magnitude: Tensor


@dataclass(frozen=True)
class Sorted:
    """A layer whose images are sorted by what is done to them.

    Attributes:
        index: int64 (n,), the images, on the device.
        magnitude: float32 (n,), theirs, on the device.
        host_magnitude: float64 (n,), the same on the host.
        ends: Of each operation of ``KNOWN``, where its images end.
    """
    index: Tensor
    magnitude: Tensor
    host_magnitude: Tensor
    ends: List[int]

    def part(self, names: Iterable[str]) -> slice:
        """Where the images are that get one of these operations, neighbors in ``KNOWN``."""
        numbers = [KNOWN.index(name) for name in names]
        return slice(self.ends[numbers[0] - 1] if numbers[0] else 0, self.ends[numbers[-1]])

    def present(self, names: Iterable[str]) -> List[Tuple[str, slice]]:
        """Those of the operations that some image gets, and where these images are."""
        parts = [(name, self.part([name])) for name in names]
        return [(name, part) for name, part in parts if part.stop > part.start]


class BatchRandAugment:
    """mmpretrain's ``RandAugment``, for a batch at a time.

    Policies, probabilities, magnitudes and their spread are read from the stock transform itself.
    Which images get which operation is known on the host, so each operation runs on its own part
    of the batch and the device is never waited for. Images are BGR; warps are bicubic.

    Args:
        policies: ``'timm_increasing'``, ``'simple_increasing'``, or a list of policy configs.
        num_policies: How many are applied to an image, drawn with replacement, >= 1.
        magnitude_level: From 0 to ``total_level``.
        magnitude_std: Spread of the level; ``'inf'`` draws it uniformly from 0 up.
        total_level: The highest level, > 0.
        pad_val: What warps fill in: one value, or one for each of B, G and R.

    Raises:
        UserError: An argument is out of range, or a policy is none of those that are known here, or
            sets something that is not.
    """

    def __init__(self,
                 policies: Union[str, Sequence[dict]] = 'timm_increasing',
                 num_policies: int = 2,
                 magnitude_level: float = 9,
                 magnitude_std: Union[Number, str] = 0.5,
                 total_level: float = 10,
                 pad_val: Union[int, Sequence[int]] = (103, 117, 150)) -> None:
        check_number('BatchRandAugment', 'num_policies', num_policies, low=1, whole=True)
        check_number('BatchRandAugment', 'magnitude_level', magnitude_level)
        check_number('BatchRandAugment', 'total_level', total_level, positive=True)
        magnitude_std = _checked_std(magnitude_std)
        try:
            stock = RandAugment(
                policies=list(policies) if isinstance(policies, tuple) else policies,
                num_policies=num_policies, magnitude_level=magnitude_level,
                magnitude_std=magnitude_std, total_level=total_level, hparams=dict())
        except AssertionError as error:
            raise UserError(f'BatchRandAugment: {one_line(error)}') from error
        if not stock.policies:
            raise UserError('BatchRandAugment: policies is empty; for no RandAugment at all, set '
                            'num_policies=0')
        self.operation = torch.tensor([KNOWN.index(_name(transform)) for transform in stock])
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
        for value in values:
            check_number('BatchRandAugment', 'each of pad_val', value, high=255)
        self.pad_val = torch.tensor(values, dtype=torch.float32).view(3, 1, 1)

    def draw(self, count: int) -> List[Layer]:
        """Draw what is done to ``count`` images, from torch's generator on the host."""
        shape = (self.num_policies, count)
        policy = torch.randint(len(self.operation), shape)
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
        operation = torch.where(applied <= self.prob[policy], self.operation[policy], NOTHING)
        return [Layer(*layer) for layer in zip(operation, magnitude)]

    def apply(self, images: Tensor, layers: Sequence[Layer]) -> Tensor:
        """Change ``images``, float32 (n, 3, H, W), whole numbers in 0-255, **in place**."""
        pad_val = send(self.pad_val, images.device)
        for layer in _sort(layers, images.device):
            _look_up(images, layer)
            _blend(images, layer)
            _warp(images, layer, pad_val)
        return images


def _checked_std(std: object) -> Union[Number, str]:
    if std in ('inf', math.inf):  # as on a command line, where quotes get lost
        return 'inf'
    if isinstance(std, Real) and not isinstance(std, bool) and math.isfinite(std):
        return std
    raise UserError(f"BatchRandAugment: magnitude_std must be a number or 'inf', got {std!r}")


def _sort(layers: Sequence[Layer], device: torch.device) -> List[Sorted]:
    """Sort on the host, and send all layers at once."""
    operation = torch.stack([layer.operation for layer in layers])
    order = operation.argsort(dim=1, stable=True)
    magnitude = torch.stack([layer.magnitude for layer in layers]).gather(1, order)
    ends = (operation[:, None] <= torch.arange(len(KNOWN))[:, None]).sum(dim=2).tolist()
    return [Sorted(*parts) for parts in zip(
        send(order, device), send(magnitude.float(), device), magnitude, ends)]


def _look_up(images: Tensor, layer: Sorted) -> None:
    """Whatever is a table, in one gather."""
    part = layer.part((*OF_IMAGE, *FIXED))
    if part.stop == part.start:
        return
    index = layer.index[part]
    chosen = images.index_select(0, index)  # the part begins at 0
    tables = [OF_IMAGE[name](chosen[own], layer.magnitude[own])
              for name, own in layer.present(OF_IMAGE)]
    fixed = [FIXED[name](layer.host_magnitude[own, None].float())
             for name, own in layer.present(FIXED)]
    if fixed:
        tables.append(send(torch.cat(fixed), images.device)[:, None].expand(-1, 3, -1))
    changed = torch.cat(tables).gather(2, chosen.flatten(2).long())
    images.index_copy_(0, index, changed.view_as(chosen))


def _blend(images: Tensor, layer: Sorted) -> None:
    for name, part in layer.present(BLENDS):
        index = layer.index[part]
        changed = BLENDS[name](images.index_select(0, index), layer.magnitude[part])
        images.index_copy_(0, index, changed)


def _warp(images: Tensor, layer: Sorted, pad_val: Tensor) -> None:
    """Whatever moves pixels, in one resampling."""
    part = layer.part(WARPS)
    if part.stop == part.start:
        return
    matrix = identities(len(layer.host_magnitude))
    for name, own in layer.present(WARPS):
        WARPS[name](matrix[own], layer.host_magnitude[own], tuple(images.shape[-2:]))
    index = layer.index[part]
    images.index_copy_(0, index, warp(images.index_select(0, index), matrix[part], pad_val))


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
