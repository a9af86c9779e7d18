"""Copies among all images: the same pixels, or the same photo."""
from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np

from .file_facts import FileFacts
from .fingerprint import MIRROR_BITS, THUMB, shifted_hashes
from .hash_index import near_pairs
from .same_photo import SAME_PHOTO, same_photo_scores

# Bits in which the hashes of candidates may differ, and the shifts (right, down) in pixels of the
# thumbnail that are tried: copies differ by their crop more than by anything else.
RADIUS = 8
SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True)
class Copies:
    """Two pictures that show the same photo.

    Attributes:
        first, second: Their content hashes.
        score: Correlation of their fine structure, at least ``SAME_PHOTO``.
        mirrored: Whether one is the other's mirror image.
    """
    first: bytes
    second: bytes
    score: float
    mirrored: bool


def find_near_copies(facts: Sequence[FileFacts]) -> List[Copies]:
    """Pairs of different pictures that show the same photo, each once.

    Args:
        facts: Of any images; those with equal pixels count as one, blank ones are left out.

    Returns:
        In no particular order.
    """
    one_each: Dict[bytes, FileFacts] = {}
    for fact in facts:
        if fact.content and not fact.blank:
            one_each.setdefault(fact.content, fact)
    contents = list(one_each)
    if len(contents) < 2:
        return []
    thumbs = np.frombuffer(b''.join(one_each[content].thumb for content in contents),
                           np.uint8).reshape(-1, THUMB, THUMB)
    best: Dict[Tuple[int, int], Tuple[float, bool]] = {}
    queries = [shifted_hashes(thumbs, right, down) for right, down in SHIFTS]
    for mirrored in (False, True):
        pairs = candidates(queries, mirrored)
        scores = same_photo_scores(thumbs, pairs, mirrored)
        for row in np.nonzero(scores >= SAME_PHOTO)[0]:
            pair = tuple(pairs[row].tolist())
            best[pair] = max(best.get(pair, (0., False)), (float(scores[row]), mirrored))
    return [Copies(contents[i], contents[j], score, mirrored)
            for (i, j), (score, mirrored) in best.items()]


def candidates(queries: Sequence[np.ndarray], mirrored: bool) -> np.ndarray:
    """Pairs worth a comparison, int64 (P, 2).

    Args:
        queries: uint64 (N,) for each of ``SHIFTS``: the hashes of all thumbnails, so shifted.
        mirrored: Compare each with the mirror images of the others.
    """
    flip = MIRROR_BITS if mirrored else np.uint64(0)
    hashes = queries[SHIFTS.index((0, 0))]
    return np.unique(np.concatenate([near_pairs(hashes, own ^ flip, RADIUS) for own in queries]),
                     axis=0)


def group_by_content(facts: Sequence[FileFacts]) -> Dict[bytes, List[int]]:
    """Content hash -> positions of the decoded images that have it."""
    groups: Dict[bytes, List[int]] = defaultdict(list)
    for position, fact in enumerate(facts):
        if fact.content:
            groups[fact.content].append(position)
    return groups
