"""Copies: what the hashes promise, what the comparison decides, and both against brute force."""
import cv2
import numpy as np
import pytest

from ssfer_mm.audit import duplicates
from ssfer_mm.audit.duplicates import SHIFTS, Copies, find_near_copies
from ssfer_mm.audit.file_facts import FileFacts, inspect
from ssfer_mm.audit.fingerprint import (
    MIRROR_BITS,
    content_hash,
    perceptual_hash,
    shifted_hashes,
    thumbnail,
)
from ssfer_mm.audit.hash_index import bit_distance, near_pairs
from ssfer_mm.audit.same_photo import (
    SAME_PHOTO,
    _fine_structure,
    best_shift_correlation,
    same_photo_scores,
)
from support.photos import photo, recropped


def brute_force(hashes, queries, radius):
    return sorted({(min(i, j), max(i, j)) for i in range(len(hashes)) for j in range(len(hashes))
                   if i != j and bin(int(queries[i]) ^ int(hashes[j])).count('1') <= radius})


def close_hashes(seed, count=400):
    """Random hashes of which half are others with up to ten bits changed."""
    noise = np.random.default_rng(seed)
    hashes = noise.integers(0, 1 << 64, count, dtype=np.uint64)
    for k in range(count // 2):
        bits = noise.choice(64, noise.integers(0, 11), replace=False).astype(np.uint64)
        hashes[k] = hashes[noise.integers(count // 2, count)] ^ np.bitwise_xor.reduce(
            np.uint64(1) << bits, initial=np.uint64(0))
    return hashes


@pytest.mark.parametrize('radius', [0, 3, 7])
def test_index_finds_exactly_what_brute_force_finds(radius):
    hashes = close_hashes(radius)
    assert list(map(tuple, near_pairs(hashes, hashes, radius))) \
        == brute_force(hashes, hashes, radius)


def test_index_of_other_queries_and_of_small_blocks(monkeypatch):
    sizes = []
    monkeypatch.setattr('ssfer_mm.audit.hash_index.BLOCK', 7)
    monkeypatch.setattr('ssfer_mm.audit.hash_index.bit_distance',
                        lambda *two: sizes.append(len(two[0])) or bit_distance(*two))
    hashes = close_hashes(1, 60)
    queries = hashes ^ (np.uint64(1) << np.arange(60, dtype=np.uint64))  # i's and j's differ
    assert list(map(tuple, near_pairs(hashes, queries, 6))) == brute_force(hashes, queries, 6)
    assert 2 < max(sizes) < 14


@pytest.mark.parametrize('count', [0, 1])
def test_index_of_nothing(count):
    assert near_pairs(np.zeros(count, np.uint64), np.zeros(count, np.uint64), 7).shape == (0, 2)


def test_bit_distance():
    first = np.array([0, 2**64 - 1, 0b1011], np.uint64)
    assert bit_distance(first, np.zeros(3, np.uint64)).tolist() == [0, 64, 3]


def test_content_hash_tells_shapes_and_pixels_apart():
    image = photo(0, 8)
    changed = image.copy()
    changed[0, 0, 0] ^= 1
    hashes = {content_hash(image), content_hash(changed), content_hash(image.reshape(4, 16, 3))}
    assert len(hashes) == 3 and content_hash(image[:, ::-1][:, ::-1]) == content_hash(image)


@pytest.mark.parametrize('seed', range(5))
def test_perceptual_hash_knows_mirror_brightness_and_shift(seed):
    thumb = thumbnail(photo(seed))
    own = np.uint64(perceptual_hash(thumb))
    mirrored = np.uint64(perceptual_hash(np.ascontiguousarray(thumb[:, ::-1])))
    dark = np.uint64(perceptual_hash((thumb // 2).astype(np.uint8)))
    assert bit_distance(own ^ MIRROR_BITS, mirrored) <= 1
    assert bit_distance(own, dark) <= 4
    assert own & np.uint64(1) == 0, 'the mean, which says nothing'
    moved = np.pad(thumb, ((1, 0), (0, 2)), mode='edge')[:32, 2:].copy()
    assert shifted_hashes(thumb[None], -2, 1)[0] == np.uint64(perceptual_hash(moved))
    assert shifted_hashes(thumb[None], 0, 0)[0] == own


def test_correlation_is_that_of_opencv():
    first, second = (thumbnail(photo(seed)).astype(np.float32) for seed in (3, 4))
    expected = cv2.matchTemplate(second, first[3:-3, 3:-3].copy(), cv2.TM_CCOEFF_NORMED).max()
    assert best_shift_correlation(first[None], second[None])[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize('first, second', [(0., 0.), (0., 200.7), (200.7, 0.)])
def test_flat_pictures_correlate_with_nothing(first, second):
    assert best_shift_correlation(np.full((1, 32, 32), first), np.full((1, 32, 32), second)) == 0


def test_it_does_not_matter_which_of_two_is_the_copy():
    thumbs = np.stack([thumbnail(photo(2)), thumbnail(recropped(photo(2)))])
    one, other = same_photo_scores(thumbs, np.array([(0, 1), (1, 0)]), False)
    assert one == other >= SAME_PHOTO


def test_the_same_fine_structure_on_another_picture_is_no_copy():
    ramp = np.linspace(-60, 60, 32)
    grain = thumbnail(photo(5)).astype(float) - cv2.blur(thumbnail(photo(5)), (9, 9))
    thumbs = np.stack([np.clip(128 + grain + shade, 0, 255).astype(np.uint8)
                       for shade in (ramp, ramp[:, None])])
    assert same_photo_scores(thumbs, np.array([(0, 1)]), False) == 0
    assert best_shift_correlation(*_fine_structure(thumbs)[:, None]) >= SAME_PHOTO


def test_scores_separate_copies_from_other_pictures():
    pictures = [photo(seed) for seed in range(6)]
    copies = [recropped(picture) for picture in pictures]
    thumbs = np.stack([thumbnail(picture) for picture in pictures + copies])
    same = same_photo_scores(thumbs, np.array([(k, k + 6) for k in range(6)]), False)
    other = same_photo_scores(thumbs, np.array([(k, (k + 1) % 6 + 6) for k in range(6)]), False)
    assert same.min() >= SAME_PHOTO and other.max() < SAME_PHOTO


def test_scores_do_not_depend_on_how_many_pairs_are_compared_at_a_time(monkeypatch):
    pictures = [photo(seed) for seed in range(5)]
    thumbs = np.stack([thumbnail(one) for one in [*pictures, *map(recropped, pictures)]])
    pairs = np.array([(0, 6), (0, 5), (1, 6), (2, 7), (4, 9)])
    whole = same_photo_scores(thumbs, pairs, False)
    monkeypatch.setattr('ssfer_mm.audit.same_photo._BATCH', 2)
    assert same_photo_scores(thumbs, pairs, False) == pytest.approx(whole, abs=1e-4)
    assert (whole[1:] >= SAME_PHOTO).all()


def test_copies_are_found_whatever_was_done_to_them():
    pictures = [photo(seed) for seed in range(8)]
    changed = [cv2.resize(pictures[0], (48, 48), interpolation=cv2.INTER_AREA),
               recropped(pictures[1]), np.ascontiguousarray(pictures[2][:, ::-1]),
               (pictures[3] * 0.6).astype(np.uint8),
               cv2.cvtColor(pictures[4], cv2.COLOR_BGR2GRAY)]
    blank = np.full((48, 48, 3), 90, np.uint8)
    facts = [inspect(image) for image in [*pictures, *changed, pictures[5], blank, blank + 1]]
    found = {frozenset((copy.first, copy.second)): copy.mirrored
             for copy in find_near_copies(facts)}
    assert found == {frozenset((facts[k].content, facts[8 + k].content)): k == 2
                     for k in range(5)}


def test_two_pictures_are_copies_one_way_or_the_other(monkeypatch):
    """Of scores as they are and mirrored the better one counts, if it is enough."""
    scores = {False: [SAME_PHOTO, 0.9, SAME_PHOTO - 0.01], True: [0.8, 0.85, 0.]}
    monkeypatch.setattr(duplicates, 'candidates', lambda queries, mirrored: np.array(
        [(0, 1), (0, 2), (1, 2)]))
    monkeypatch.setattr(duplicates, 'same_photo_scores',
                        lambda thumbs, pairs, mirrored: np.array(scores[mirrored]))
    unreadable, blank = FileFacts(error='damaged'), inspect(np.zeros((8, 8), np.uint8))
    first, second, third = (inspect(photo(seed, 32)) for seed in range(3))
    assert find_near_copies([unreadable, blank, first, first, second, third]) == [
        Copies(first.content, second.content, 0.8, True),
        Copies(first.content, third.content, 0.9, False)]


@pytest.mark.parametrize('right, down', [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)])
def test_copies_that_were_moved_a_little_are_compared(monkeypatch, right, down):
    monkeypatch.setattr(duplicates, 'RADIUS', 0)
    for seed in (1, 3):  # whose edges matter: to move the other one back is not enough
        thumb = thumbnail(photo(seed))
        moved = np.pad(thumb, 1, mode='edge')[1 - down:33 - down, 1 - right:33 - right]
        queries = [shifted_hashes(np.stack([thumb, moved]), *shift) for shift in SHIFTS]
        assert duplicates.candidates(queries, False).tolist() == [[0, 1]]
