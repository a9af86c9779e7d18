"""Measure a face detector: the work behind ``tools/eval_face_detector.py``."""
import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ssfer_mm.apis.output_files import check_output, check_picture, save_picture
from ssfer_mm.command_line.parsers import eval_face_detector_parser
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.datasets.face_cuts import FaceCut, PhotoFaces
from ssfer_mm.datasets.face_scenes import FaceScenes
from ssfer_mm.errors import UserError
from ssfer_mm.evaluation.face_matching import Matches, match_faces, summarize
from ssfer_mm.faces.boxes import clip_boxes
from ssfer_mm.faces.detectors import EmbeddedFaceDetector, FaceDetector, build_detector
from ssfer_mm.files.atomic import write_json

CHUNK = 256  # images handed to the detector at a time
SIZES = ((0, 32), (32, 64), (64, 1000))  # heights of faces in scenes, pixels


@dataclass(frozen=True)
class Result:
    """One image, what is in it and what was found."""
    image: np.ndarray
    reference: np.ndarray
    found: np.ndarray
    scores: np.ndarray
    matches: Matches
    name: str

    @property
    def worst(self) -> tuple[float, int]:
        """For sorting: the lowest IoU first, then the most spare detections."""
        return float(self.matches.iou.min(initial=1.)), -self.matches.spare


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(eval_face_detector_parser().parse_args(arguments)))


def _run(args: argparse.Namespace) -> dict:
    check_picture('--sheet', args.sheet)
    check_output('--out', args.out)
    for option, low in (('limit', 1), ('scenes', 0), ('size', 64 if args.scenes else 1),
                        ('threads', 1)):
        value = getattr(args, option)
        if value is not None and value < low:
            raise UserError(f'--{option} {value}: give {low} or more')
    if args.weights and args.detector != 'embedded':
        raise UserError('--weights belongs to --detector embedded; leave one of them out')
    detector = (EmbeddedFaceDetector(weights=args.weights) if args.weights else
                build_detector(args.detector))
    crops = PhotoFaces(args.folder, args.boxes, args.part, args.limit)
    results = on_crops(detector, crops)
    figures = dict(detector=detector.describe(), crops=crop_figures(results),
                   constant_box=constant_box(crops))
    print_crops(figures['crops'], figures['constant_box'], results)
    scenes: list[Result] = []
    if args.scenes:
        composed = FaceScenes(args.folder, args.boxes, args.part, num_scenes=args.scenes,
                              size=args.size, crops=0., drawn=0, limit=args.limit, seed=12345)
        scenes = on_scenes(detector, composed)
        figures['scenes'] = scene_figures(scenes)
        print_scenes(figures['scenes'])
    figures['crops_per_second'] = speed(detector, crops, args.size, args.threads)
    print(f'speed      {figures["crops_per_second"]:.0f} crops/s of {args.size} px, '
          f'{args.threads} threads')
    if args.sheet:
        save_sheet(args.sheet, worst(results, 32) + worst(scenes, 32))
        print(f'worst cases in {args.sheet}: green reference, red found')
    if args.out:
        write_json(args.out, figures)
    return figures


# ------------------------------------------------------------------------------------- measuring


def on_crops(detector: FaceDetector, crops: Sequence[FaceCut]) -> list[Result]:
    """Detect in the crops as they are; boxes are clipped to them before they are compared."""
    return list(_compare(detector, ((cut.image, np.array([cut.box]), cut.name) for cut in crops)))


def on_scenes(detector: FaceDetector, scenes: FaceScenes) -> list[Result]:
    """Detect in composed scenes with none to several people."""
    return list(_compare(detector, ((*scenes.compose(k), f'scene {k}')
                                    for k in range(len(scenes)))))


def _compare(detector: FaceDetector, items: Iterator) -> Iterator[Result]:
    items = list(items)
    for start in range(0, len(items), CHUNK):
        part = items[start:start + CHUNK]
        for (image, boxes, name), faces in zip(part, detector.detect([item[0] for item in part])):
            found, reference = (clip_boxes(np.asarray(these, np.float64), image.shape[:2])
                                for these in (faces.boxes, boxes))
            yield Result(image, reference, found, faces.scores, match_faces(found, reference), name)


def crop_figures(results: Sequence[Result]) -> dict[str, float]:
    """Of :func:`summarize`, and the shares of crops with exactly one and with several faces."""
    number = np.array([len(result.found) for result in results])
    return dict(summarize([result.matches for result in results]),
                exactly_one=float((number == 1).mean()), none=float((number == 0).mean()),
                several=float((number > 1).mean()))


def scene_figures(results: Sequence[Result]) -> dict:
    """Of :func:`summarize`, by the height of faces, and precision."""
    iou = np.concatenate([result.matches.iou for result in results])
    height = np.concatenate([result.reference[:, 3] - result.reference[:, 1]
                             for result in results])
    spare = sum(result.matches.spare for result in results)
    sizes = {f'{low}-{high}': dict(faces=int(inside.sum()), found=float((iou[inside] > 0).mean()))
             for low, high in SIZES if (inside := (height >= low) & (height < high)).any()}
    return dict(summarize([result.matches for result in results]), images=len(results),
                precision=float((iou > 0).sum() / max(1, (iou > 0).sum() + spare)), by_height=sizes,
                all_found=float(np.mean([(result.matches.iou > 0).all() for result in results])))


def constant_box(crops: PhotoFaces) -> dict[str, float]:
    """What a "detector" reaches that answers the median box for every crop, without looking."""
    sizes = np.array([cut.image.shape[1::-1] * 2 for cut in crops], np.float64)
    relative = (crops.boxes / sizes).clip(0, 1)
    guess = np.median(relative, axis=0)
    return summarize([match_faces(guess[None], box[None]) for box in relative])


def speed(detector: FaceDetector, crops: Sequence[FaceCut], size: int, threads: int,
          rounds: int = 5, batch: int = 64) -> float:
    """Crops per second, decoded images of ``size`` px to boxes; the best of several rounds."""
    images = [cv2.resize(crops[k % len(crops)].image, (size, size)) for k in range(batch)]
    before, cv_before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    try:
        detector.detect(images)
        best = float('inf')
        for _ in range(rounds):
            begin = time.perf_counter()
            detector.detect(images)
            best = min(best, time.perf_counter() - begin)
    finally:
        torch.set_num_threads(before)
        cv2.setNumThreads(cv_before)
    return batch / best


# --------------------------------------------------------------------------------------- showing


def print_crops(figures: dict, constant: dict, results: Sequence[Result]) -> None:
    """The table of the crops and the names of the worst."""
    print(f'crops      {figures["faces"]}, each with one reference face\n'
          f'found      {figures["found"]:.2%} at IoU 0.5    (one box for all: '
          f'{constant["found"]:.2%})\n'
          f'mean IoU   {figures["iou"]:.4f}, missed faces count 0    (one box for all: '
          f'{constant["iou"]:.4f})\n'
          f'faces      exactly one {figures["exactly_one"]:.2%}, none {figures["none"]:.2%}, '
          f'several {figures["several"]:.2%}')
    missed = [result for result in worst(results, 12) if result.worst[0] < .5]
    for result in missed:
        best = f'best score {result.scores[0]:.2f}' if len(result.scores) else 'nothing found'
        print(f'  missed   {result.name}  ({best})')


def print_scenes(figures: dict) -> None:
    """The table of the scenes."""
    sizes = ', '.join(f'{name} px {row["found"]:.1%} of {row["faces"]}'
                      for name, row in figures['by_height'].items())
    print(f'scenes     {figures["images"]} with {figures["faces"]} faces: found '
          f'{figures["found"]:.2%}, precision {figures["precision"]:.2%}, mean IoU '
          f'{figures["iou"]:.4f}\n           every face found in {figures["all_found"]:.1%} of '
          f'them; by height: {sizes}')


def worst(results: Sequence[Result], count: int) -> list[Result]:
    """The images whose worst face is worst; of equals those with the most spare detections."""
    return sorted(results, key=lambda result: result.worst)[:count]


def save_sheet(path: str, results: Sequence[Result], tile: int = 180, border: int = 14,
               columns: int = 8) -> None:
    """Draw images with their reference boxes in green and the found ones in red.

    Raises:
        UserError: The picture cannot be written.
    """
    cells = [_cell(result, tile, border) for result in results]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.hstack(cells[k:k + columns]) for k in range(0, len(cells), columns)]
    save_picture(path, np.vstack(rows)[..., ::-1])


def _cell(result: Result, tile: int, border: int) -> np.ndarray:
    scale = tile / max(result.image.shape[:2])
    view = cv2.resize(result.image, None, fx=scale, fy=scale)
    cell = np.full((tile + 2 * border, tile + 2 * border, 3), 40, np.uint8)
    cell[border:border + view.shape[0], border:border + view.shape[1]] = view
    for boxes, tone in ((result.reference, (0, 220, 0)), (result.found, (60, 60, 255))):
        for box in boxes:
            x1, y1, x2, y2 = (np.asarray(box) * scale + border).round().astype(int).tolist()
            cv2.rectangle(cell, (x1, y1), (x2, y2), tone, 1, cv2.LINE_AA)
    iou = ' '.join(f'{value:.2f}' for value in result.matches.iou[:4])
    cv2.putText(cell, f'{iou} +{result.matches.spare} {result.name[:16]}', (3, 10),
                cv2.FONT_HERSHEY_SIMPLEX, .32, (255, 255, 255), 1, cv2.LINE_AA)
    return cell
