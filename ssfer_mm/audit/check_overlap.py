"""Images that are in two parts, or twice in one: by id, by pixels, by sight."""
from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, Iterator, List, Sequence, Tuple

from .duplicates import Copies, group_by_content
from .findings import ERROR, NOTE, WARNING, Finding, about
from .parts import Part

TRAINED = ('labeled', 'unlabeled', 'pre-training')


@dataclass(frozen=True)
class Pair:
    """A copy: an image of one part and one of the same or another part.

    Attributes:
        first, second: The parts.
        i, j: Places of the images in them.
        kind: ``'same image'`` (id or file), ``'exact'`` (pixels) or ``'near'`` (photo).
        score: 1, or for ``'near'`` the correlation of the fine structure.
        mirrored: Whether one is the other's mirror image.
    """
    first: Part
    second: Part
    i: int
    j: int
    kind: str
    score: float = 1.
    mirrored: bool = False

    def __str__(self) -> str:
        note = '' if self.kind != 'near' else (
            f' ({self.score:.2f}{", mirrored" if self.mirrored else ""})')
        return f'{self.first.ids[self.i]} = {self.second.ids[self.j]}{note}'


def find_pairs(first: Part, second: Part, copies: Sequence[Copies]) -> List[Pair]:
    """For every image of one part its closest copy in another part, if it has one.

    Args:
        first: A part, with ``facts``.
        second: Another part. (Inside one: :func:`find_pairs_inside`.)
        copies: Of all images.

    Returns:
        At most one pair per image of ``first``: the same image, else an exact copy, else the best
        near copy.
    """
    by_key = {key: j for j, keys in enumerate(second.keys) for key in keys}
    by_content = group_by_content(second.facts)
    near = _near(copies)
    pairs = []
    for i, (keys, facts) in enumerate(zip(first.keys, first.facts)):
        same = next((by_key[key] for key in keys if key in by_key), None)
        if same is not None:
            pairs.append(Pair(first, second, i, same, 'same image'))
        elif facts.content in by_content and not facts.blank:
            pairs.append(Pair(first, second, i, by_content[facts.content][0], 'exact'))
        else:
            found = [(copy.score, copy.mirrored, by_content[other][0])
                     for other, copy in near.get(facts.content, ()) if other in by_content]
            if found:
                score, mirrored, j = max(found)
                pairs.append(Pair(first, second, i, j, 'near', score, mirrored))
    return pairs


def find_pairs_inside(part: Part, copies: Sequence[Copies]) -> List[Pair]:
    """Every later copy of an image of a part, with the first one; every pair of near copies."""
    groups = group_by_content(part.facts)
    pairs = [Pair(part, part, own[0], j, 'exact') for own in groups.values() for j in own[1:]
             if not part.facts[j].blank]
    return pairs + [Pair(part, part, groups[copy.first][0], groups[copy.second][0], 'near',
                         copy.score, copy.mirrored)
                    for copy in copies if copy.first in groups and copy.second in groups]


def check_overlap(parts: Sequence[Part],
                  copies: Sequence[Copies]) -> Tuple[List[Finding], List[Pair]]:
    """Findings about copies, and all pairs: across parts first, the most serious ones first."""
    findings, across, inside = [], [], []
    for first, second in _couples(parts):
        pairs = find_pairs(first, second, copies)
        findings += _across(first, second, pairs)
        across += pairs
    for part in parts:
        pairs = find_pairs_inside(part, copies)
        findings += _inside(part, pairs)
        inside += pairs
    return findings, across + inside


def _couples(parts: Sequence[Part]) -> Iterator[Tuple[Part, Part]]:
    """Parts that must not overlap, then those that are better off without."""
    for role in TRAINED:
        for part in parts:
            if part.role == role:
                yield from ((part, other) for other in parts if other.held_out)
    labeled = [part for part in parts if part.role == 'labeled']
    yield from ((part, other) for part in labeled for other in parts if other.role == 'unlabeled')


def _across(first: Part, second: Part, pairs: Sequence[Pair]) -> List[Finding]:
    where, of = f'{first.name}, {second.name}', f'of {len(first):,} {first.name} images'
    names: Dict[str, List[str]] = defaultdict(list)
    for pair in pairs:
        names[pair.kind].append(str(pair))
    if not second.held_out:
        return about(NOTE, 'copies', where, names['exact'] + names['near'],
                     f'{of} have a copy in {second.name}: they count twice')
    labeled = first.role == 'labeled'
    harm = (f'the accuracy on {second.name} is partly learned by heart' if labeled else
            f'{second.name} was seen without labels')
    grave = labeled or first.guarded
    apart = 'Give the two different subsets or folders'
    out = ('Take them out of the training data (--json lists all); where a benchmark is made so, '
           'say it with the result.')
    return [
        *about(ERROR if grave else WARNING, 'same image', where, names['same image'],
               f'{of} are images of {second.name}: ' + (
                   'training refuses to start' if first.guarded else harm),
               apart + ('.' if grave else ', or say it with the result.')),
        *about(ERROR if labeled else WARNING, 'exact copy', where, names['exact'],
               f'{of} are in {second.name} too, pixel for pixel: {harm}', out),
        *about(WARNING, 'near copy', where, names['near'],
               f'{of} show a photo of {second.name}: {harm}',
               'Look at them with --sheet FILE.png. ' + out)]


def _inside(part: Part, pairs: Sequence[Pair]) -> List[Finding]:
    exact = [pair for pair in pairs if pair.kind == 'exact']
    near = [pair for pair in pairs if pair.kind == 'near']
    findings = []
    if part.labels is not None:
        torn = [f'{pair}: {part.classes[part.labels[pair.i]]}, {part.classes[part.labels[pair.j]]}'
                for pair in pairs if part.labels[pair.i] != part.labels[pair.j]]
        findings += about(WARNING, 'contradictory labels', part.name, torn,
                          'pairs of copies have different labels', 'Look which label is right.')
    findings += about(NOTE, 'exact copy', part.name, [str(pair) for pair in exact],
                      'repeat another one, pixel for pixel')
    return findings + about(NOTE, 'near copy', part.name, [str(pair) for pair in near],
                            'pairs show the same photo')


def _near(copies: Sequence[Copies]) -> Dict[bytes, List[Tuple[bytes, Copies]]]:
    """Content hash -> (content hash of a near copy, the two)."""
    near: Dict[bytes, List[Tuple[bytes, Copies]]] = defaultdict(list)
    for copy in copies:
        near[copy.first].append((copy.second, copy))
        near[copy.second].append((copy.first, copy))
    return near
