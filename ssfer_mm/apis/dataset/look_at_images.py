"""Facts of all images of some parts: one pass over the files, several processes, a cache."""
import functools
import os.path as osp
from typing import Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from ssfer_mm.audit.facts_cache import FactsCache, stamp_of
from ssfer_mm.audit.file_facts import FileFacts, inspect
from ssfer_mm.audit.parts import Part
from ssfer_mm.command_line.progress import progress_bar
from ssfer_mm.processes import map_batches
from ssfer_mm.runtime.processor import cores

from .check_data_parts import paths_and_pixels

BATCH = 64
# Below so many images, starting processes takes longer than they save.
WORTH_PROCESSES = 8000

Item = Tuple[str, Union[str, np.ndarray]]


def look_at_images(parts: Sequence[Part], decode: bool = True, cache: Optional[FactsCache] = None,
                   workers: Optional[int] = None) -> int:
    """Fill in the ``facts`` of every part.

    Args:
        parts: The parts.
        decode: False reads headers only.
        cache: Where facts are kept from one run to the next; None does without.
        workers: Number of processes; None: one per core where there are many images to read.

    Returns:
        How many images were read, the others being known from the cache.

    Raises:
        UserError: See :func:`map_batches`.
    """
    paths, pixels = paths_and_pixels(parts)
    stamps = {path: stamp_of(path) for path in paths}
    known = {} if cache is None else cache.find(
        {path: stamp for path, stamp in stamps.items() if stamp is not None})
    todo: List[Item] = [(path, path) for path in paths if path not in known]
    todo += [(f'{k}', part.images[row]) for k, (part, row) in enumerate(pixels)]
    if workers is None:
        workers = cores() if len(todo) >= WORTH_PROCESSES else 1
    batches = [todo[start:start + BATCH] for start in range(0, len(todo), BATCH)]
    found: Dict[str, FileFacts] = {}
    total = len(paths) + len(pixels)
    with progress_bar('Reading images', total, total - len(todo)) as bar:
        make_work = functools.partial(make_inspector, decode)
        for batch, facts in map_batches(make_work, batches, min(workers, len(batches) or 1)):
            names = [name for name, _ in batch]
            found.update(zip(names, facts))
            if cache is not None and decode:
                cache.add((name, stamps[name], fact) for name, fact in zip(names, facts)
                          if stamps.get(name) is not None)
            bar.update(len(batch))
    of_pixels = {(id(part), row): found[f'{k}'] for k, (part, row) in enumerate(pixels)}
    for part in parts:
        part.facts = [known.get(osp.abspath(image)) or found[osp.abspath(image)]
                      if isinstance(image, str) else of_pixels[id(part), row]
                      for row, image in enumerate(part.images)]
    return len(todo)


def make_inspector(decode: bool) -> Callable[[Sequence[Item]], List[FileFacts]]:
    """A function of a batch, for a worker process."""
    return functools.partial(inspect_batch, decode)


def inspect_batch(decode: bool, batch: Sequence[Item]) -> List[FileFacts]:
    """Look at some images."""
    return [inspect(image, name, decode) for name, image in batch]
