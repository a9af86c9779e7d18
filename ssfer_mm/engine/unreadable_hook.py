"""What the workers could not read, told by the main process."""
import os.path as osp
from typing import List, Tuple

from mmengine.dist import all_gather_object, get_world_size
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
        self._gathered: Tuple[int, int, List[str]] = (0, 0, [])

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

    def gather_for_checkpoint(self, runner) -> None:
        """Let the first process, which alone saves, know what each process has met."""
        self._gathered = self._add_up()

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """A checkpoint inside an epoch carries what has been met of it."""
        if get_world_size() == 1:
            self.gather_for_checkpoint(runner)
        if any(self._gathered):
            checkpoint['unreadable'] = self._gathered

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """The first process goes on with what all have met."""
        if runner._resume and runner.rank == 0 and 'unreadable' in checkpoint:
            self._read, self._failed, names = checkpoint['unreadable']
            self._left_out = set(names)

    def _add_up(self) -> Tuple[int, int, List[str]]:
        """Images read in this epoch, unreadable ones, and their names, of all processes."""
        shares = all_gather_object((self._read, self._failed, self._left_out))
        return (sum(share[0] for share in shares), sum(share[1] for share in shares),
                sorted(set().union(*(share[2] for share in shares))))

    def after_train_epoch(self, runner) -> None:
        """Add up the ranks."""
        read, failed, names = self._add_up()
        self._read, self._failed, self._left_out = 0, 0, set()
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
