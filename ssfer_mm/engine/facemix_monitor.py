"""Notice when FaceMix has quietly become Mixup."""
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class FaceMixMonitor(Hook):
    """Warn when the IoU that weighs the real images does not vary, and report missing boxes.

    With an IoU of 1 everywhere the real images have no weight, and FaceMix is plain Mixup; with
    any other constant its weights carry no information. Tight crops with clipped boxes do this,
    and so does a dataset without boxes, where every image gets the same fixed one.

    Args:
        interval: Batches to look at before judging.
        min_spread: Smallest standard deviation of the IoU that is not called constant.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 50, min_spread: float = 1e-3) -> None:
        self.interval, self.min_spread = interval, min_spread
        self._batches = 0
        self._mean = self._square = self._missing = 0.0

    def before_train_epoch(self, runner) -> None:
        """The last epoch of a stage may be shorter than the interval."""
        if self._batches > 0 and runner.train_loop.stage.unlabeled:
            self._judge(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Add up the IoU's moments."""
        if not outputs or 'iou_mean' not in outputs or self._batches < 0:
            return
        mean, spread = float(outputs['iou_mean']), float(outputs['iou_std'])
        self._batches += 1
        self._mean += mean
        self._square += spread**2 + mean**2
        self._missing += float(outputs['boxes_missing'])
        if self._batches == self.interval:
            self._judge(runner)

    def _judge(self, runner) -> None:
        count, self._batches = self._batches, -1
        mean = self._mean / count
        spread = max(self._square / count - mean**2, 0)**0.5
        missing = self._missing / count
        runner.logger.info(f'FaceMix over {count} batches: IoU {mean:.3f} +- {spread:.3f}, '
                           f'{missing:.1%} of the images without exactly one face box')
        # A NaN means that there are no boxes at all.
        if not spread > self.min_spread:
            runner.logger.warning(
                f'FaceMix: the IoU of the face pairs is constant ({mean:.3f}), so the real images '
                'all weigh the same and FaceMix is no more than Mixup. Give the dataset boxes '
                "(dataset.boxes='dataset' or a box file), and for tight crops set "
                "data_preprocessor.facemix.extent='full'.")
