"""A bad number in one of several processes, which averaging the gradients does not spread."""
import math

from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.engine.unwrap import model_of


@HOOKS.register_module()
class SpoilLossOfOne(Hook):
    """Add a NaN without a gradient to the loss.

    Args:
        at: In this iteration, from 0.
        rank: In this process.
    """

    def __init__(self, at: int, rank: int) -> None:
        self.at, self.rank = at, rank

    def before_train(self, runner) -> None:
        model = model_of(runner)
        original = model.parse_losses

        def parse_losses(losses):
            total, figures = original(losses)
            if runner.iter == self.at and runner.rank == self.rank:
                figures = {name: value + math.nan for name, value in figures.items()}
            return total, figures

        model.parse_losses = parse_losses
