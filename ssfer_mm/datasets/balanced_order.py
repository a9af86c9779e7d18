"""Which images an epoch uses where rare classes are to come more often than they occur."""
import numpy as np

from ssfer_mm.ranges import check_number


def balanced_order(classes: np.ndarray, length: int, balance: float,
                   random: np.random.Generator) -> np.ndarray:
    """Places of the images that fill ``length`` slots, in random order.

    An image of a class with ``n`` images is worth ``n ** -balance``, so a class gets a share of
    the slots in proportion to ``n ** (1 - balance)``: with 0 as many as it has images, with 0.5
    as the square root of that (Mahajan et al. 2018, section 3.1.2), with 1 as many as any other.
    Inside a class every image is used equally often, up to one.

    Args:
        classes: int (N,), the class of each image.
        length: Slots, at least 0.
        balance: In [0, 1].
        random: Draws the images and their order.

    Returns:
        int64 (length,), in [0, N).

    Raises:
        UserError: ``balance`` is out of range.

    Example:
        >>> classes = np.array([0, 0, 0, 1])
        >>> places = balanced_order(classes, 12, 1., np.random.default_rng(0))
        >>> np.bincount(places).tolist()
        [2, 2, 2, 6]
    """
    check_number('balanced_order', 'balance', balance, high=1)
    members = [np.flatnonzero(classes == name) for name in np.unique(classes)]
    shares = np.array([len(own) for own in members]) ** (1. - balance)
    # One random offset for all: exactly `length` slots, and on average the exact shares.
    ends = np.floor(length * np.cumsum(shares) / shares.sum() + random.random())
    ends[-1] = length
    slots = np.diff(ends, prepend=0).astype(int)
    chosen = [_passes(own, count, random) for own, count in zip(members, slots)]
    return random.permutation(np.concatenate(chosen))


def _passes(images: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Shuffled passes over the images, laid end to end and cut to ``count``."""
    passes = [random.permutation(images) for _ in range(-(-count // len(images)))]
    return np.concatenate([images[:0], *passes])[:count]
