"""Image transforms that know where the face goes, and the packing of items."""
from .loading import LoadFace
from .packing import PackFace, PackImage, PackUnlabeled, PackViews
from .tracked_crops import TrackedCenterCrop, TrackedRandomCrop, TrackedRandomResizedCrop
from .tracked_policies import TrackedAutoAugment, TrackedRandAugment
from .tracked_resizes import TrackedRandomFlip, TrackedResize, TrackedResizeEdge
from .tracked_warps import TrackedRotate, TrackedShear, TrackedTranslate
from .tracking import track
from .untracked import check_tracked, packs_face_box
from .views import WeakStrongViews
from .whole_faces import check_fixed, check_whole, whole_pipeline

__all__ = [
    'LoadFace', 'PackFace', 'PackImage', 'PackUnlabeled', 'PackViews', 'TrackedAutoAugment',
    'TrackedCenterCrop', 'TrackedRandAugment', 'TrackedRandomCrop', 'TrackedRandomFlip',
    'TrackedRandomResizedCrop', 'TrackedResize', 'TrackedResizeEdge', 'TrackedRotate',
    'TrackedShear', 'TrackedTranslate', 'WeakStrongViews', 'check_fixed', 'check_tracked',
    'check_whole', 'packs_face_box', 'track', 'whole_pipeline'
]
