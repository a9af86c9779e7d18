"""Face detectors small enough for a test, and one that finds what a test painted."""
import json

import numpy as np
import torch

from ssfer_mm.faces.detectors import FaceDetector, Faces
from ssfer_mm.faces.detectors.mmdet_model import build_model

PAINT = (255, 0, 255)  # BGR; no image has this color


def rtmdet(classes: int = 1, width: float = 0.125) -> dict:
    """An RTMDet of 0.2 million weights."""
    norm, act = dict(type='BN'), dict(type='SiLU', inplace=True)
    channels = [int(c * width) for c in (256, 512, 1024)]
    return dict(
        type='RTMDet',
        data_preprocessor=dict(
            type='DetDataPreprocessor', mean=[103.5, 116.3, 123.7], std=[57.4, 57.1, 58.4],
            bgr_to_rgb=False),
        backbone=dict(
            type='CSPNeXt', arch='P5', expand_ratio=0.5, deepen_factor=0.167, widen_factor=width,
            channel_attention=True, norm_cfg=norm, act_cfg=act),
        neck=dict(
            type='CSPNeXtPAFPN', in_channels=channels, out_channels=channels[0], num_csp_blocks=1,
            expand_ratio=0.5, norm_cfg=norm, act_cfg=act),
        bbox_head=dict(
            type='RTMDetSepBNHead', num_classes=classes, in_channels=channels[0], stacked_convs=1,
            feat_channels=channels[0], with_objectness=False, exp_on_reg=True, share_conv=True,
            pred_kernel_size=1, norm_cfg=norm, act_cfg=act,
            anchor_generator=dict(type='MlvlPointGenerator', offset=0, strides=[8, 16, 32]),
            bbox_coder=dict(type='DistancePointBBoxCoder'),
            loss_cls=dict(type='QualityFocalLoss', use_sigmoid=True, beta=2.0, loss_weight=1.0),
            loss_bbox=dict(type='GIoULoss', loss_weight=2.0)),
        test_cfg=dict(nms_pre=1000, min_bbox_size=0, score_thr=0.001, max_per_img=100,
                      nms=dict(type='nms', iou_threshold=0.65)))


def random_weights(model_cfg: dict, seed: int = 0) -> dict:
    """RTMDet weights that find something everywhere, batch statistics included."""
    torch.manual_seed(seed)
    model = build_model(model_cfg, 'a test')
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
            torch.nn.init.normal_(module.bias, 0, 0.3)
    images = [torch.from_numpy(image).permute(2, 0, 1) for image in noise(*[(64, 64)] * 32, seed=9)]
    with torch.no_grad():  # batch statistics as after a training on such images
        model.train()
        data = model.data_preprocessor(dict(inputs=torch.stack(images), data_samples=None))
        model.bbox_head(model.extract_feat(data['inputs']))
    for cls, reg in zip(model.bbox_head.rtm_cls, model.bbox_head.rtm_reg):
        torch.nn.init.normal_(cls.weight, 0, 0.3)
        torch.nn.init.zeros_(cls.bias)
        torch.nn.init.normal_(reg.weight, 0, 0.05)
        torch.nn.init.ones_(reg.bias)
    return model.state_dict()


def save_embedded(path, model_cfg: dict = None, weights: dict = None, input_size: int = 64,
                  half: bool = False):
    """A self-describing weights file as ``EmbeddedFaceDetector`` reads it."""
    from safetensors.torch import save_file

    model_cfg = model_cfg or rtmdet()
    weights = weights or random_weights(model_cfg)
    if half:
        weights = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    # The head's levels share their convolutions, which safetensors does not allow.
    weights = {k: v.clone() for k, v in weights.items()}
    save_file(weights, str(path), metadata=dict(
        config=json.dumps(model_cfg), input_size=str(input_size), training='none'))
    return path


def noise(*shapes, seed: int = 0) -> list:
    """Blocks of random colors, uint8 (H, W, 3) each."""
    rng = np.random.default_rng(seed)
    return [np.repeat(np.repeat(rng.integers(0, 256, (h // 4 + 1, w // 4 + 1, 3), np.uint8), 4, 0),
                      4, 1)[:h, :w].copy() for h, w in shapes]


class PaintDetector(FaceDetector):
    """Finds the extent of all pixels painted in :data:`PAINT`."""
    name = 'paint'

    def __init__(self) -> None:
        self.seen = []

    def detect(self, images):
        self.seen += list(images)
        return [self._find(image) for image in images]

    def describe(self):
        return dict(detector=self.name)

    def _find(self, image):
        distance = np.abs(image.astype(int) - PAINT).max(axis=2)
        ys, xs = np.nonzero(distance < 100)
        if len(xs) == 0:
            return Faces(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        box = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], np.float32)
        return Faces(box, np.ones(1, np.float32))
