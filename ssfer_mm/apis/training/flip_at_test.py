"""``tools/test.py --tta``: every image is looked at twice, the second time in a mirror."""
from copy import deepcopy

from mmengine.config import Config, ConfigDict


def average_with_mirror_images(cfg: Config) -> None:
    """Make a config's test judge the mean of the probabilities of both, in place.

    A ``tta_model`` and a ``tta_pipeline`` of the config's own are used instead, as mmpretrain's
    tool does. Hooks of the training, which look into student and teacher, are left out.

    Args:
        cfg: With ``model`` and ``test_dataloader``, whose pipeline ends with the packing.
    """
    wrapper = cfg.get('tta_model') or dict(type='mmpretrain.AverageClsScoreTTA')
    # The runner would hand the config's preprocessor to the wrapper, which would put it in place of
    # the one that an exported classifier has of its own.
    preprocessor = cfg._cfg_dict.pop('data_preprocessor', None)
    if preprocessor is not None:
        cfg.model.setdefault('data_preprocessor', preprocessor)
    cfg.model = ConfigDict(**wrapper, module=cfg.model)
    dataset = cfg.test_dataloader.dataset
    dataset.pipeline = cfg.get('tta_pipeline') or _mirrored(dataset.pipeline)
    cfg.custom_hooks = []


def _mirrored(pipeline: list) -> list:
    *steps, pack = deepcopy(pipeline)
    flips = [dict(type='RandomFlip', prob=prob) for prob in (0., 1.)]
    return [*steps, dict(type='TestTimeAug', transforms=[flips, [pack]])]
