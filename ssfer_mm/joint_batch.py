"""How the processes share a batch out, and how what they gathered comes back into its order."""
from typing import List


def share_of_rank(count: int, rank: int, world_size: int) -> List[int]:
    """Places in the batch of all ranks that one rank takes.

    Half of them come from the front and the other half from their mirror images at the back, so
    that place ``i`` of the rank's batch and its partner ``count - 1 - i`` are partners in the
    whole batch too. An odd ``count`` leaves one image per rank, from the middle, with itself.

    Args:
        count: Images per rank.
        rank: In [0, world_size).
        world_size: Number of ranks.

    Example:
        >>> share_of_rank(4, 0, 2), share_of_rank(4, 1, 2)
        ([0, 1, 6, 7], [2, 3, 4, 5])
    """
    half, total = count // 2, count * world_size
    front = range(rank * half, (rank + 1) * half)
    middle = [half * world_size + rank] if count % 2 else []
    return [*front, *middle, *(total - 1 - place for place in reversed(front))]


def gathered_places(count: int, world_size: int) -> List[int]:
    """Places in the batch of all ranks of what is gathered from them, rank after rank.

    Args:
        count: Images per rank.
        world_size: Number of ranks.

    Example:
        >>> gathered_places(4, 2)
        [0, 1, 6, 7, 2, 3, 4, 5]
    """
    return [place for rank in range(world_size) for place in share_of_rank(count, rank, world_size)]
