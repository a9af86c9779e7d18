"""Leave the split that was used beside the checkpoints."""
import os.path as osp
from typing import Optional

from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.errors import UserError


@HOOKS.register_module()
class SplitRecordHook(Hook):
    """Write the split into the work dir; a resumed run must still draw the same one.

    Args:
        filename: Name of the file in the work dir.
    """

    priority = 'VERY_HIGH'

    def __init__(self, filename: str = 'split.json') -> None:
        self.filename = filename

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Also for a run that goes on in another folder."""
        checkpoint['meta']['split'] = _fingerprint(runner)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Refuse to continue a run with another split, wherever.

        Raises:
            UserError: The config draws another one.
        """
        meta = checkpoint.get('meta') if runner._resume else None
        if meta and meta.get('split', _fingerprint(runner)) != _fingerprint(runner):
            raise UserError(f'{runner._load_from} was trained on other labeled images: the config '
                            'now draws another split. Restore the config, or use a new --work-dir '
                            'and no --resume')

    def before_train(self, runner) -> None:
        """Save the split, or refuse to continue a run with another one."""
        dataset = runner.train_dataloader.dataset
        if getattr(dataset, 'split', None) is None:
            return
        path = osp.join(runner.work_dir, self.filename)
        # Where nothing was trained on it, the file is of a start that failed.
        if runner._resume and runner.iter > 0 and osp.isfile(path):
            dataset.check_recorded_split(path)
        elif runner.rank == 0:
            dataset.record_split(path)
        labeled, unlabeled = dataset.source_sizes
        drawn = 'as listed' if dataset.split.is_listed else f'seed {dataset.split.seed}'
        runner.logger.info(f'Split: {labeled} labeled and {unlabeled} unlabeled images '
                           f'({drawn}), in {path}')


def _fingerprint(runner) -> Optional[str]:
    dataset = runner.train_dataloader.dataset
    return dataset.split_fingerprint() if hasattr(dataset, 'split_fingerprint') else None
