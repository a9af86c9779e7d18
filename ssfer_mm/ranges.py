"""Settings that are numbers, and which numbers they may be."""
import math
from numbers import Integral, Real

from ssfer_mm.errors import UserError


def check_number(owner: str, name: str, value: object, low: float = 0, high: float = math.inf,
                 positive: bool = False, below: bool = False, whole: bool = False) -> None:
    """Refuse a setting that is not a number, not finite, or not in [low, high].

    Args:
        owner: The component, for the message.
        name: Of the setting.
        value: Whatever the config or the command line gave: ``0,7`` is a list there.
        low: The least number that will do.
        high: The greatest.
        positive: ``low`` itself will not do.
        below: Nor will ``high``.
        whole: Only whole numbers will.

    Raises:
        UserError: It is one of these.
    """
    kind = Integral if whole else Real  # those of NumPy too
    fits = (isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
            and low <= value <= high and not (positive and value == low)
            and not (below and value == high))
    if fits:
        return
    if high == math.inf:
        wanted = f'{">" if positive else ">="} {low}'
    else:
        wanted = f'in {"(" if positive else "["}{low}, {high}{")" if below else "]"}'
    sort = 'a whole number' if whole else 'a number'
    raise UserError(f'{owner}: {name} must be {sort} {wanted}, got {value!r}')
