"""Whether a resumed run reads what it began to read: a place in the data is a number of images."""
import os.path as osp
from typing import List

from ssfer_mm.errors import UserError


def data_sizes(runner) -> List[int]:
    """Images of each source of the training data; one number where there are no sources."""
    dataset = runner.train_dataloader.dataset
    return [int(size) for size in getattr(dataset, 'source_sizes', None) or [len(dataset)]]


def check_same_sizes(runner, before: List[int], inside_epoch: bool) -> None:
    """Refuse to go on in the middle of an epoch whose order was made for other images.

    Args:
        runner: The run that goes on.
        before: :func:`data_sizes` of the run to resume.
        inside_epoch: Whether the checkpoint lies between two batches of one epoch.

    Raises:
        UserError: It does, and the sizes are others now.
    """
    now = data_sizes(runner)
    if before == now:
        return
    changed = (f'the training data has {sum(now)} images, {sum(before)} when the checkpoint was '
               f'written (by source: {now}, then {before})')
    if not inside_epoch:
        runner.logger.warning(f'{changed}. The epochs to come read all of them; those before '
                              'read the former ones')
        return
    border = osp.join(runner.work_dir, f'epoch_{runner.epoch}.pth')
    go_on = (f'resume from the end of an epoch: --resume {border}' if osp.isfile(border) else
             'start a new run from its weights: --cfg-options load_from=FILE, and no --resume')
    raise UserError(f'{changed}. Inside an epoch the run cannot go on with others: some images '
                    'would come twice and others not at all. Put the images back as they were, '
                    f'or {go_on}')
