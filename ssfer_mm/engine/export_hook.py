"""Write a plain classifier at the end of every stage."""
import os.path as osp

from mmengine.config import Config
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.checkpoints.formats import saved
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.models.export import classifier_config, classifier_weights

from .two_stage_loop import Stage
from .unwrap import model_of

# What a test of the plain classifier needs of the training config.
TEST_KEYS = ('test_dataloader', 'test_evaluator', 'test_cfg', 'default_scope', 'custom_imports',
             'env_cfg', 'randomness')


@HOOKS.register_module()
class ExportClassifierHook(Hook):
    """Save the teacher as an ``ImageClassifier`` that stock mmpretrain loads.

    Writes ``classifier_<stage>.pth`` at the end of each stage and ``classifier.py``, a config with
    the plain model and the test set of this run. A run that is resumed with a stage shortened to
    what is done does so before it goes on.
    """

    priority = 'LOW'

    def before_train(self, runner) -> None:
        """Export where a resumed run stands at a stage's end, which may have been none before.

        The next stage gives the teacher other weights.
        """
        stage = runner.train_loop.stage_behind(runner.iter)
        if stage is not None and runner.epoch == stage.end_epoch:
            self._export(runner, stage, classifier_weights(model_of(runner)))

    def after_train_epoch(self, runner) -> None:
        """Export where a stage ends."""
        stage = runner.train_loop.stage
        if runner.epoch + 1 == stage.end_epoch:
            self._export(runner, stage, classifier_weights(model_of(runner)))

    @master_only
    def _export(self, runner, stage: Stage, weights: dict) -> None:
        path = osp.join(runner.work_dir, f'classifier_{stage.name}.pth')
        meta = dict(
            dataset_meta=dict(runner.train_dataloader.dataset.metainfo),
            epoch=stage.end_epoch,
            stage=stage.name)
        with atomic_write(path, 'wb', sync=True) as file:
            file.write(saved(dict(state_dict=weights, meta=meta)))
        config = {key: runner.cfg[key] for key in TEST_KEYS if key in runner.cfg}
        config = Config(dict(config, model=classifier_config(runner.cfg)))
        with atomic_write(osp.join(runner.work_dir, 'classifier.py'), sync=True) as file:
            file.write(config.pretty_text)
        runner.logger.info(f'Exported the teacher to {path} (config: classifier.py beside it)')
