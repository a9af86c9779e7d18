"""Leave the split that was used beside the checkpoints."""
import os.path as osp

from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class SplitRecordHook(Hook):
    """Write the split into the work dir; a resumed run must still draw the same one.

    Args:
        filename: Name of the file in the work dir.
    """

    priority = 'VERY_HIGH'

    def __init__(self, filename: str = 'split.json') -> None:
        self.filename = filename

    def before_train(self, runner) -> None:
        """Save the split, or refuse to continue a run with another one."""
        dataset = runner.train_dataloader.dataset
        if getattr(dataset, 'split', None) is None:
            return
        path = osp.join(runner.work_dir, self.filename)
        if runner._resume and osp.isfile(path):
            dataset.check_recorded_split(path)
        elif runner.rank == 0:
            dataset.record_split(path)
        labeled, unlabeled = dataset.source_sizes
        runner.logger.info(f'Split: {labeled} labeled and {unlabeled} unlabeled images '
                           f'(seed {dataset.split.seed}), in {path}')
