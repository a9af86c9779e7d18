"""A training that draws no picture need not load matplotlib."""
from types import SimpleNamespace

import numpy as np
from mmengine.dist import master_only
from mmpretrain.registry import VISUALIZERS
from mmpretrain.visualization import UniversalVisualizer


@VISUALIZERS.register_module()
class LazyVisualizer(UniversalVisualizer):
    """mmpretrain's visualizer, which makes its figure when the first image is drawn.

    Scalars and configs go to the backends as ever. matplotlib takes about a second to load, a tenth
    of the time until the first iteration.
    """

    def _initialize_fig(self, fig_cfg: dict) -> tuple:
        """Canvas, figure and axes for later."""
        return None, SimpleNamespace(get_dpi=lambda: None), None

    @master_only
    def set_image(self, image: np.ndarray) -> None:
        """Set the image to draw on; all drawing begins here.

        Args:
            image (np.ndarray): (H, W, 3) or (H, W), RGB, 0 to 255.
        """
        if self.fig_save_canvas is None:
            self.fig_save_canvas, self.fig_save, self.ax_save = super()._initialize_fig(
                self.fig_save_cfg)
            self.dpi = self.fig_save.get_dpi()
        super().set_image(image)
