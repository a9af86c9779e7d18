"""The work behind ``tools/export.py``: a classifier as one file for other programs."""
import argparse
import functools
import os
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import List, Optional

import numpy as np
import torch
from torch import Tensor, nn

from ssfer_mm.checkpoints import check_suffix
from ssfer_mm.command_line.parsers import export_parser
from ssfer_mm.command_line.parsers.export import OPSET
from ssfer_mm.command_line.printing import counted
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.errors import UserError
from ssfer_mm.images.decode import read_image
from ssfer_mm.images.files import IMAGE_SUFFIXES, scan_images
from ssfer_mm.model_files.classifier import (
    Probabilities,
    build_classifier,
    probabilities,
    resize_faces,
)
from ssfer_mm.model_files.described import Described, describe
from ssfer_mm.model_files.model_card import card_to_write, write_card
from ssfer_mm.model_files.model_names import find_model
from ssfer_mm.synthfer import SynthFERGenerator
from ssfer_mm.version import __version__

from .any_batch import any_batch
from .convert_checkpoint import check_new, options_of, summary_of
from .exporters import FORMATS
from .onnx_weights import share_weights

TOLERANCE = 1e-4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(export_parser().parse_args(arguments)))


def _run(args: argparse.Namespace) -> None:
    target = Path(args.dst).expanduser()
    check_suffix(target, tuple(FORMATS))
    check_new(args.force, target)
    source = Path(args.model).expanduser()
    described = describe(source if source.is_file() else find_model(args.model, 'torch').path,
                         options_of(args))
    check_new(args.force, card_to_write(described, target, args.card))
    print(summary_of(described))
    faces = faces_of(args.faces, args.num_faces)
    difference = export_model(described, target, faces, args.opset)
    # The card is for others: which folder of this machine it was is not theirs to know.
    where = counted(len(faces), 'given face' if args.faces else 'SynthFER face')
    parity = f'largest difference of a probability on {where}: {difference:.1e}'
    print(f'{parity} (allowed: {TOLERANCE:.0e})\nwritten to {target}')
    kind = FORMATS[target.suffix][0] + (f', opset {args.opset}' if target.suffix == '.onnx' else '')
    write_card(described, target, args.card, formats=[
        f'{kind}; images (N, 3, H, W) float RGB in 0-255 -> probabilities (N, K); '
        'normalization and softmax inside', f'Checked against mmpretrain: {parity}'])


def export_model(described: Described, target: Path, faces: Sequence[np.ndarray],
                 opset: int = OPSET, weights: Optional[Path] = None) -> float:
    """Export a classifier, and keep the file only if it predicts what the classifier predicts.

    Args:
        described: As from `describe`.
        target: File to write; its ending, a key of `FORMATS`, chooses the format.
        faces: uint8 (H, W, 3) BGR crops to compare on.
        opset: Of ONNX.
        weights: A safetensors file in the same folder, from which the ONNX file then takes its
            weights instead of holding them; see `share_weights`.

    Returns:
        The largest difference of a probability, for one face at a time and for all at once.

    Raises:
        UserError: no classifier, something is unknown about it, or the difference exceeds 1e-4.
    """
    _, write, run = FORMATS[target.suffix]
    if weights is not None:
        write = functools.partial(write, optimize=False)
    model = build_classifier(described)
    # Merged weights are in no other file.
    network = merge_branches(model) if weights is None else model
    images = resize_faces(faces, described)
    # The exporters' own samples must not have one image: they would fix the batch to it.
    example = images[[0, -1]].flip(1).float()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f'.{target.stem}.part{target.suffix}')
    try:
        with any_batch():
            write(Probabilities(network, described).eval(), example, part,
                  _facts(described, opset), opset)
        if weights is not None:
            share_weights(part, weights)
        difference = _difference(model, run(part), images)
        if not difference <= TOLERANCE:  # NaN too
            raise UserError(f'{target} would differ from the classifier by {difference:.1e} in a '
                            f'probability (allowed: {TOLERANCE:.0e}), so it was not written; try '
                            f'another format ({", ".join(FORMATS)}) or --opset')
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return difference


def merge_branches(model: nn.Module) -> nn.Module:
    """A copy that predicts the same with fewer layers, where its kind can.

    RepVGG, MobileOne, RepMLPNet, RepLKNet, RIFormer and LeViT train with branches or
    normalizations that are one layer afterwards.
    """
    merged = deepcopy(model)
    for part in merged.children():
        if hasattr(part, 'switch_to_deploy'):
            part.switch_to_deploy()
    return merged


def _difference(model: nn.Module, exported: Callable[[Tensor], Tensor], images: Tensor) -> float:
    """Largest absolute difference of a probability, whatever the batch size; NaN if any is."""
    expected = probabilities(model, images)
    rgb = images.flip(1).float()
    with torch.no_grad():
        together = exported(rgb)
        alone = torch.cat([exported(image[None]) for image in rgb[:4]])
    differences = torch.cat([together - expected, alone - expected[:4]]).abs()
    return float(differences.max())


def _facts(described: Described, opset: int) -> dict:
    """What a program needs to use the file, and where it comes from."""
    return dict(classes=list(described.classes), input_size=list(described.input_size),
                mean=list(described.mean), std=list(described.std), margin=described.margin,
                input='images: float32 (N, 3, height, width), RGB, 0-255; normalized inside',
                output='probabilities: float32 (N, classes)', resize='bilinear, not antialiased',
                opset=opset, made_by=f'ssfer_mm {__version__}', training=described.training,
                source=described.source)


def faces_of(folder: str, count: int) -> List[np.ndarray]:
    """Faces to compare on: those of a folder, or else drawn ones.

    Returns:
        uint8 (H, W, 3) BGR crops.

    Raises:
        UserError: the folder has no images, or one cannot be read.
    """
    if count < 1:
        raise UserError(f'--num-faces {count}: expected 1 or more')
    if not folder:
        generator = SynthFERGenerator(seed=0, size=96)
        return [np.ascontiguousarray(generator.item('test', i).image[..., ::-1])
                for i in range(count)]
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise UserError(f'--faces {folder}: no such folder; expected one with images of faces')
    files = scan_images(str(root))
    if not files:
        raise UserError(f'--faces {folder}: no images ({", ".join(IMAGE_SUFFIXES)}) in this folder')
    step = max(1, len(files) // count)
    return [read_image(str(root / file)) for file in files[::step][:count]]
