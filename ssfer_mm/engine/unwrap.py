"""The model itself, whatever distributed training wraps around it."""
from mmengine.model import is_model_wrapper


def model_of(runner):
    """The runner's ``SSFER`` model."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
