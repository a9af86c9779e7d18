"""The embedded face detector as an ONNX file: the work behind ``tools/export_onnx_detector.py``."""
import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Tuple

import numpy as np
import torch
from torch import Tensor, nn

from ssfer_mm.checkpoints import check_suffix
from ssfer_mm.command_line.parsers import export_onnx_detector_parser
from ssfer_mm.command_line.parsers.export import OPSET
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.errors import UserError
from ssfer_mm.faces.detectors import EmbeddedFaceDetector
from ssfer_mm.faces.detectors.embedded import read_weights
from ssfer_mm.faces.detectors.mmdet_model import build_model, load_weights
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.version import __version__
from ssfer_onnx import OnnxFaceDetector

from .convert_checkpoint import check_new
from .exporters import export_onnx
from .onnx_weights import share_weights

# Of an edge, as a share of the square's side (of its distance, where it is farther away); of a
# score. Additions in another order differ by far less.
EDGE_TOLERANCE, SCORE_TOLERANCE = 2e-3, 1e-3


class RawFaces(nn.Module):
    """All boxes and scores of a network before thresholds: what gets exported.

    Args:
        model: An mmdet single-stage detector whose head predicts distances to the four edges.
        size: Side of its square input in pixels.

    Raises:
        UserError: It has another kind of head.
    """

    def __init__(self, model: nn.Module, size: int) -> None:
        super().__init__()
        from mmdet.models.task_modules import DistancePointBBoxCoder

        head = model.bbox_head
        coder = getattr(head, 'bbox_coder', None)
        if not isinstance(coder, DistancePointBBoxCoder) or getattr(head, 'with_objectness', False):
            raise UserError(f'a detector with the head {type(head).__name__} cannot be exported; '
                            'expected one that predicts distances to the edges (RTMDet)')
        self.model = model
        shapes = [(-(-size // stride[1]), -(-size // stride[0]))
                  for stride in head.prior_generator.strides]
        points = torch.cat(head.prior_generator.grid_priors(shapes, device='cpu'))
        self.register_buffer('points', points[:, :2])
        pre = model.data_preprocessor
        self.swap = bool(pre._channel_conversion)
        normal = pre._enable_normalize
        # Not plainly "mean", which exporters also call the result of an average.
        self.register_buffer('channel_mean', pre.mean.clone() if normal else torch.zeros(3, 1, 1))
        self.register_buffer('channel_std', pre.std.clone() if normal else torch.ones(3, 1, 1))

    def forward(self, images: Tensor) -> Tuple[Tensor, Tensor]:
        """(N, 3, S, S) float BGR in 0-255 -> boxes (N, P, 4), scores (N, P) of the first class."""
        if self.swap:
            images = images.flip(1)
        features = self.model.extract_feat((images - self.channel_mean) / self.channel_std)
        scores, distances = self.model.bbox_head(features)[:2]
        scores = torch.cat([level[:, 0].flatten(1) for level in scores], 1).sigmoid()
        edges = torch.cat([level.flatten(2) for level in distances], 2).transpose(1, 2)
        boxes = torch.cat([self.points - edges[..., :2], self.points + edges[..., 2:]], 2)
        return boxes, scores


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(export_onnx_detector_parser().parse_args(arguments)))


def export_detector(detector: EmbeddedFaceDetector, target: Path, share: bool = False) -> float:
    """Write the file, and keep it only if it finds the same faces.

    Args:
        detector: With the weights to export, on the CPU.
        target: ``.onnx`` file to write.
        share: Leave the weights in the detector's own file, which lies in the same folder.

    Returns:
        The largest difference of an edge on noise, see `EDGE_TOLERANCE`.

    Raises:
        UserError: The detector cannot be exported, or the file finds other faces.
    """
    size = detector.input_size
    network = RawFaces(stored_model(detector.file) if share else detector.model, size).eval()
    noise = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), np.uint8)
    images = torch.from_numpy(noise).permute(0, 3, 1, 2).float()
    facts = dict(kind='face detector', input_size=size, detector=detector.name,
                 input='images: float32 (N, 3, S, S), BGR, 0-255, padded with 114 at the bottom '
                 'and at the right; normalized inside',
                 output='boxes: xyxy in pixels of the square; scores: in [0, 1]; before thresholds '
                 'and suppression', opset=OPSET, made_by=f'ssfer_mm {__version__}',
                 source=dict(file=detector.file.name, sha256=sha256_of(detector.file)))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f'.{target.stem}.part.onnx')
    try:
        export_onnx(network, images[:2], part, facts, OPSET, outputs=('boxes', 'scores'),
                    optimize=not share)
        if share:
            share_weights(part, Path(detector.file))
        found = OnnxFaceDetector(part).run(images.numpy())
        with torch.no_grad():
            expected = [value.numpy() for value in network(images)]
        score = float(np.abs(found[1] - expected[1]).max())
        worst = float((np.abs(found[0] - expected[0])
                       / np.maximum(np.abs(expected[0]), size)).max())
        if not (worst <= EDGE_TOLERANCE and score <= SCORE_TOLERANCE):  # NaN too
            raise UserError(f'{target} would differ by {100 * worst:.2f} % in an edge and '
                            f'{score:.1e} in a score, so it was not written; try another version '
                            'of onnx and torch')
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return worst


def stored_model(path: Path) -> nn.Module:
    """The network with its weights as they are stored; a detector merges some when it loads them.

    Args:
        path: As for `read_weights`.
    """
    metadata, tensors = read_weights(path)
    model = build_model(metadata['config'], str(path))
    load_weights(model, tensors, str(path))
    return model.eval().requires_grad_(False)


def _run(args: argparse.Namespace) -> None:
    target = Path(args.dst).expanduser()
    check_suffix(target, ('.onnx', ))
    check_new(args.force, target)
    if args.input_size is not None and args.input_size < 1:
        raise UserError(f'--input-size {args.input_size}: expected pixels, 1 or more')
    detector = EmbeddedFaceDetector(weights=args.weights, input_size=args.input_size)
    worst = export_detector(detector, target, args.share_weights)
    print(f'written to {target} ({target.stat().st_size / 1e6:.1f} MB); edges differ by at most '
          f'{worst * detector.input_size:.4f} of {detector.input_size} pixels')
