"""Weak and strong views of whole batches, made where the model is."""
from .component import DeviceViews
from .crops import Crops, cut, draw_crops, move_boxes
from .rand_augment import BatchRandAugment, Layer

__all__ = ['BatchRandAugment', 'Crops', 'DeviceViews', 'Layer', 'cut', 'draw_crops', 'move_boxes']
