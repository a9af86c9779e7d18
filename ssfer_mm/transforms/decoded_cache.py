"""Decoded images in memory that all loader workers share."""
import hashlib
import mmap
import multiprocessing
from typing import Optional

import cv2
import numpy as np

from ssfer_mm.errors import UserError

# Room in the table is for images of this size or more; of smaller ones, not all are kept.
BYTES_PER_ENTRY = 1024
KEY, OFFSET, HEIGHT, WIDTH, CHANNELS = range(5)


class DecodedCache:
    """Pixels of image files, kept from their first decoding on until ``gigabytes`` are full.

    The memory is reserved, not taken, at the start; worker processes that are forked afterwards
    see what any of them has decoded, and what is in it counts once. Processes that are spawned
    begin with an empty one each. Grey images take a third: three equal channels are kept as one.

    Args:
        gigabytes: How much the pixels may take, > 0.

    Raises:
        UserError: It is more than the machine can reserve.
    """

    def __init__(self, gigabytes: float) -> None:
        self.gigabytes = gigabytes
        self.capacity = max(int(gigabytes * 2**30), 1)
        self.entries = self.capacity // BYTES_PER_ENTRY + 2
        try:
            pixels, table = mmap.mmap(-1, self.capacity), mmap.mmap(-1, self.entries * 5 * 8)
        except (OSError, OverflowError) as error:
            raise UserError(f'LoadFace: cache_gb={gigabytes:g} is more memory than this machine '
                            f'can reserve ({error}): set it lower, or 0') from error
        self._pixels = np.frombuffer(pixels, dtype=np.uint8)
        # A hash table with open addressing; a key of 0 is a free place.
        self._table = np.frombuffer(table, dtype=np.int64).reshape(self.entries, 5)
        self._used = multiprocessing.Array('q', 2)  # bytes, entries

    def __reduce__(self) -> tuple:
        """A copy, or what a spawned process gets, is an empty cache of that size."""
        return DecodedCache, (self.gigabytes, )

    def get(self, path: str) -> Optional[np.ndarray]:
        """The pixels of an image file, uint8 (H, W, 3), a copy of its own; None if not kept."""
        key = _key(path)
        entry = self._table[self._place(key)]
        if entry[KEY] != key:
            return None
        _, offset, height, width, channels = entry.tolist()
        pixels = self._pixels[offset:offset + height * width * channels]
        if channels == 1:
            return cv2.cvtColor(pixels.reshape(height, width), cv2.COLOR_GRAY2BGR)
        return pixels.reshape(height, width, channels).copy()

    def put(self, path: str, image: np.ndarray) -> None:
        """Keep the pixels (H, W, 3) of an image file, if there is room."""
        grey = image[..., 0]
        if (image == grey[..., None]).all():
            image = grey[..., None]
        key, (height, width, channels) = _key(path), image.shape
        with self._used:
            (offset, count), place = self._used, self._place(key)
            # One place stays free, or a search for what is not here would never end.
            full = offset + image.size > self.capacity or count == self.entries - 1
            if full or self._table[place, KEY] == key:
                return
            self._used[:] = offset + image.size, count + 1
            self._pixels[offset:offset + image.size] = image.ravel()
            self._table[place, OFFSET:] = offset, height, width, channels
            self._table[place, KEY] = key  # last: only now can others find it

    def __len__(self) -> int:
        """How many images it holds."""
        return self._used[1]

    def _place(self, key: int) -> int:
        """Where ``key`` is, or the free place where it belongs."""
        place = key % self.entries
        while self._table[place, KEY] not in (0, key):
            place = (place + 1) % self.entries
        return place


def _key(path: str) -> int:
    digest = hashlib.blake2b(path.encode('utf-8', 'surrogateescape'), digest_size=8).digest()
    return (int.from_bytes(digest, 'little') >> 1) or 1
