"""What the shipped detector sees in augmented views, against the boxes carried into them."""
import numpy as np
import torch

from ssfer_mm.datasets import SynthFER
from ssfer_mm.faces import clip_boxes, paired_iou
from ssfer_mm.models.online_boxes import OnlineBoxes

VIEW = 96
PIPELINE = [
    dict(type='LoadFace'),
    dict(type='TrackedRandomResizedCrop', scale=VIEW, crop_ratio_range=(0.5, 1.0)),
    dict(type='TrackedRandomFlip'),
    dict(type='PackFace'),
]


def test_ious_of_tracked_and_detected_boxes_agree():
    """Not exactly: the detector's face is smaller than SynthFER's head (docs/face_boxes.md)."""
    np.random.seed(0)
    faces = SynthFER('train', num_images=32, size=96, difficulty=0, cache_dir=None,
                     boxes='dataset', pipeline=PIPELINE)
    items = [faces[i] for i in range(len(faces))]
    tracked = clip_boxes(torch.stack([item['data_samples'].face_box for item in items]),
                         (VIEW, VIEW))
    views = torch.stack([item['inputs'] for item in items])
    online = clip_boxes(OnlineBoxes('embedded')(views, torch.device('cpu')), (VIEW, VIEW))

    found = online.isfinite().all(dim=1)
    assert found.float().mean() > 0.8
    assert paired_iou(tracked[found], online[found]).mean() > 0.6

    pairs = found & found.flip(0)
    difference = (paired_iou(tracked, tracked.flip(0)) - paired_iou(online, online.flip(0)))[pairs]
    assert difference.abs().mean() < 0.15
