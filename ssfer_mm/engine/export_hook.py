"""Write a plain classifier at the end of every stage."""
import os.path as osp

from mmengine.config import Config
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.checkpoints.formats import saved
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.models.export import classifier_config, classifier_weights

from .unwrap import model_of

# What a test of the plain classifier needs of the training config.
TEST_KEYS = ('test_dataloader', 'test_evaluator', 'test_cfg', 'default_scope', 'custom_imports',
             'env_cfg', 'randomness')


@HOOKS.register_module()
class ExportClassifierHook(Hook):
    """Save the teacher as an ``ImageClassifier`` that stock mmpretrain loads.

    Writes ``classifier_<stage>.pth`` at the end of each stage and ``classifier.py``, a config with
    the plain model and the test set of this run.
    """

    priority = 'LOW'

    def after_train_epoch(self, runner) -> None:
        """Export where a stage ends."""
        loop = runner.train_loop
        if runner.epoch + 1 == loop.stage.end_epoch:
            self._export(runner, loop.stage.name, classifier_weights(model_of(runner)))

    @master_only
    def _export(self, runner, stage: str, weights: dict) -> None:
        path = osp.join(runner.work_dir, f'classifier_{stage}.pth')
        meta = dict(
            dataset_meta=dict(runner.train_dataloader.dataset.metainfo),
            epoch=runner.epoch + 1,
            stage=stage)
        with atomic_write(path, 'wb', sync=True) as file:
            file.write(saved(dict(state_dict=weights, meta=meta)))
        config = {key: runner.cfg[key] for key in TEST_KEYS if key in runner.cfg}
        config = Config(dict(config, model=classifier_config(runner.cfg)))
        with atomic_write(osp.join(runner.work_dir, 'classifier.py'), sync=True) as file:
            file.write(config.pretty_text)
        runner.logger.info(f'Exported the teacher to {path} (config: classifier.py beside it)')
