"""What a run exports is a plain classifier: stock mmpretrain loads it and measures the same."""
import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import load
from mmengine.runner import Runner
from mmpretrain import ImageClassificationInferencer, get_model
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import DATASETS

from ssfer_mm.apis import load_config
from ssfer_mm.apis.training import launch
from ssfer_mm.expressions import SYNTHFER8
from support.outcome import stages
from support.shrink import unique_name


@pytest.fixture()
def logged(finished):
    """The metrics that the run logged after each stage."""
    return {name: stage['metrics'] for name, stage in stages(finished.run).items()}


def test_get_model_takes_the_exported_pair(finished):
    run = finished.run
    model = get_model(str(run / 'classifier.py'), pretrained=str(run / 'classifier_semi.pth'))
    assert type(model) is ImageClassifier
    # Nothing in the file needs to be trusted.
    exported = torch.load(run / 'classifier_semi.pth', weights_only=True)['state_dict']
    assert all(value.equal(exported[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize('stage', ['supervised', 'semi'])
def test_a_plain_runner_measures_what_was_logged(stage, finished, logged, tmp_path):
    cfg = Config.fromfile(str(finished.run / 'classifier.py'))
    cfg.work_dir, cfg.experiment_name = str(tmp_path), unique_name()
    cfg.load_from = str(finished.run / f'classifier_{stage}.pth')
    runner = Runner.from_cfg(cfg)
    assert type(runner.model) is ImageClassifier
    assert runner.test() == pytest.approx(logged[stage])


def test_the_stock_inferencer_agrees(finished, logged, predictions):
    run = finished.run
    inferencer = ImageClassificationInferencer(str(run / 'classifier.py'),
                                               pretrained=str(run / 'classifier_semi.pth'))
    cfg = load_config(finished.config)
    faces = DATASETS.build(dict(cfg.test_dataloader.dataset, pipeline=[]))
    results = inferencer([face['img'] for face in faces], batch_size=7)
    right = [result['pred_label'] == face['gt_label'] for result, face in zip(results, faces)]
    assert 100 * sum(right) / len(right) == pytest.approx(logged['semi']['accuracy'])
    assert all(result['pred_class'] == SYNTHFER8[result['pred_label']] for result in results)
    # Accuracies could agree by chance: the scores could not.
    for result, expected in zip(results, predictions('classifier_semi.pth')):
        assert result['pred_scores'] == pytest.approx(expected['pred_score'].numpy(), abs=1e-5)


@pytest.mark.parametrize('file', ['epoch_2.pth', 'classifier_semi.pth'])
def test_tools_test_gives_the_same(file, finished, logged, tmp_path):
    metrics = launch.test_main([finished.config, str(finished.run / file),
                                '--work-dir', str(tmp_path),
                                '--cfg-options', f'experiment_name={unique_name()}'])
    assert metrics == pytest.approx(logged['semi'])


def test_checkpoint_and_export_predict_alike_and_not_always_the_same(predictions):
    ours, exported = predictions('epoch_2.pth'), predictions('classifier_semi.pth')
    assert len(ours) == len(exported) == 32
    for one, other in zip(ours, exported):
        assert one['sample_id'] == other['sample_id']
        assert one['pred_score'].equal(other['pred_score'])
    assert len({tuple(one['pred_score'].tolist()) for one in ours}) == 32


@pytest.fixture()
def predictions(finished, tmp_path):
    """What ``tools/test.py --out`` writes for a checkpoint of the run."""
    def predict(file):
        out = tmp_path / f'{file}.pkl'
        launch.test_main([finished.config, str(finished.run / file), '--out', str(out),
                          '--work-dir', str(tmp_path / 'work'),
                          '--cfg-options', f'experiment_name={unique_name()}'])
        return load(str(out))
    return predict
