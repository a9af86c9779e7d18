"""Accuracy is measured on other images than those of the training, by the same classes."""
from mmengine.hooks import Hook
from mmpretrain.registry import DATASETS, HOOKS

from ssfer_mm.class_lists import check_same_classes
from ssfer_mm.errors import UserError


@HOOKS.register_module()
class HeldOutHook(Hook):
    """Compare the training data with those of validation and test: classes, ids and files.

    It takes no pixels, hence little time; ``tools/check_data.py`` also finds copies under other
    names. ``tools/train.py`` adds this hook to every config that lacks it. Training data without
    ``check_held_out`` (stage I) are let pass.

    Args:
        allow_unlabeled: Let held-out images be among the unlabeled ones. That is transductive
            learning, another protocol than SSFER's: say so with the result. One hook of the run
            that says so is enough, for the shipped configs have a strict one.

    Raises:
        UserError: They overlap, and the message names images; or their classes differ.
    """

    priority = 'VERY_HIGH'

    def __init__(self, allow_unlabeled: bool = False) -> None:
        self.allow_unlabeled = allow_unlabeled

    def before_train(self, runner) -> None:
        """Check both loaders; where they are the same, once."""
        dataset = runner.train_dataloader.dataset
        if not hasattr(dataset, 'check_held_out'):
            return
        allowed = any(hook.allow_unlabeled for hook in runner.hooks
                      if isinstance(hook, HeldOutHook))
        val, test = (_dataset_config(runner, name) for name in ('val', 'test'))
        if runner.val_loop is not None:
            _check(dataset, runner.val_dataloader.dataset, 'val_dataloader', allowed)
        if test is not None and (runner.val_loop is None or test != val):
            try:
                # No pixels are read. Wrappers have no pipeline of their own.
                bare = dict(test, pipeline=[]) if 'pipeline' in test else test
                held_out = DATASETS.build(bare)
            except UserError as error:
                # Training does not need the test set, which may not be at hand yet.
                runner.logger.warning(f'test_dataloader was not compared with the training '
                                      f'images: {error}')
                return
            _check(dataset, held_out, 'test_dataloader', allowed)


def _check(dataset, held_out, where: str, allow_unlabeled: bool) -> None:
    check_same_classes(dataset, held_out, where)
    dataset.check_held_out(held_out, where, allow_unlabeled)


def _dataset_config(runner, name: str):
    return (runner.cfg.get(f'{name}_dataloader') or {}).get('dataset')
