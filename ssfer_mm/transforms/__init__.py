"""Image transforms that know where the face goes, and the packing of items."""
from .loading import LoadFace
from .packing import PackFace, PackViews
from .tracked import TrackedRandomFlip, TrackedRandomResizedCrop, TrackedResize, check_tracked
from .views import WeakStrongViews

__all__ = [
    'LoadFace', 'PackFace', 'PackViews', 'TrackedRandomFlip', 'TrackedRandomResizedCrop',
    'TrackedResize', 'WeakStrongViews', 'check_tracked'
]
