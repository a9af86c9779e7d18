"""What the workers could not read, told by the main process."""
import os.path as osp
from itertools import chain

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.printing import shown

FILE = 'unreadable_images.txt'


@HOOKS.register_module()
class UnreadableHook(Hook):
    """Count the images that were left out, over all workers and ranks, and list them in a file.

    Their names come with the items that took their places (``data_samples[...].unreadable``, see
    ``StoredFaces`` and ``UnlabeledFaces``). After every epoch the main process logs how many there
    were, and adds new names to ``unreadable_images.txt`` in the work directory, one per line. That
    a run stops at too many is the dataset's decision, which sees them first.
    """

    priority = 'LOW'

    def __init__(self) -> None:
        self._read, self._left_out = 0, []
        self._known: set[str] = set()

    def before_train(self, runner) -> None:
        """A resumed run goes on with the file."""
        path = osp.join(runner.work_dir, FILE)
        if runner._resume and osp.isfile(path):
            with open(path, encoding='utf-8', errors='surrogateescape') as file:
                self._known = set(file.read().splitlines())

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Look at what the batch carries."""
        samples = data_batch['data_samples']
        # Of stages II and III, a list for each source.
        parts = samples.values() if isinstance(samples, dict) else [samples]
        for sample in chain.from_iterable(parts):
            names = getattr(sample, 'unreadable', ())
            self._read += 1 + len(names)
            self._left_out.extend(map(shown, names))

    def after_train_epoch(self, runner) -> None:
        """Add up the ranks."""
        shares = all_gather_object((self._read, self._left_out))
        self._read, self._left_out = 0, []
        read = sum(count for count, _ in shares)
        names = [name for _, own in shares for name in own]
        if not names or runner.rank != 0:
            return
        new = sorted(set(names) - self._known)
        self._known.update(new)
        path = osp.join(runner.work_dir, FILE)
        with open(path, 'a', encoding='utf-8') as file:
            file.writelines(name + '\n' for name in new)
        runner.logger.warning(
            f'{len(names)} of {read} images read in this epoch were unreadable '
            f'({len(names) / read:.3%}), {len(new)} of them for the first time, such as '
            f'{(new or names)[0]!r}; all {len(self._known)}: {path}')
