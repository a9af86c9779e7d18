"""What the workers could not read, told by the main process."""
import os.path as osp

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.command_line.printing import shown

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
        self._read = self._failed = 0
        self._left_out: set[str] = set()
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
        if isinstance(samples, dict):  # of stages II and III; labeled ones are never replaced
            samples = samples.get('unlabeled', ())
        for sample in samples:
            names = getattr(sample, 'unreadable', ())
            self._read += 1
            self._failed += bool(names)
            self._left_out.update(map(shown, names))

    def after_train_epoch(self, runner) -> None:
        """Add up the ranks."""
        shares = all_gather_object((self._read, self._failed, self._left_out))
        self._read, self._failed, self._left_out = 0, 0, set()
        read, failed = (sum(share[i] for share in shares) for i in range(2))
        names = sorted(set().union(*(share[2] for share in shares)))
        if not names or runner.rank != 0:
            return
        new = [name for name in names if name not in self._known]
        self._known.update(new)
        path = osp.join(runner.work_dir, FILE)
        with open(path, 'a', encoding='utf-8') as file:
            file.writelines(name + '\n' for name in new)
        runner.logger.warning(
            f'{failed} of {read} images read in this epoch were unreadable ({failed / read:.3%}), '
            f'{len(new)} for the first time, such as {(new or names)[0]}; all '
            f'{len(self._known)}: {path}')
