"""Find the faces of many images and write a box file: behind ``tools/detect_faces.py``."""
import argparse
import sys
from dataclasses import dataclass
from os.path import getsize, isfile, realpath
from typing import Dict, List, Optional, Sequence, Tuple

from ssfer_mm.apis.output_files import check_picture
from ssfer_mm.command_line.parsers import detect_faces_parser
from ssfer_mm.command_line.printing import counted, shown
from ssfer_mm.command_line.progress import progress_bar
from ssfer_mm.command_line.run import go_on_hint, run_cli
from ssfer_mm.datasets.image_sources import ImageRef, list_images
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_file import box_header
from ssfer_mm.faces.box_line import FaceRecord, format_line, parse_line
from ssfer_mm.faces.detectors import build_detector
from ssfer_mm.faces.detectors.settings import detector_settings
from ssfer_mm.files.journal import Journal

from .detection import find_faces
from .face_sheet import save_face_sheet, summary


@dataclass(frozen=True)
class Detection:
    """The faces of some images.

    Attributes:
        detector: What found them: ``FaceDetector.describe()``.
        records: Id -> faces, of every image that could be read.
        unreadable: (id, what is wrong) of each other image.
    """
    detector: dict
    records: Dict[str, FaceRecord]
    unreadable: List[Tuple[str, str]]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command.

    Returns:
        Exit status: 0; 1 if images could not be read; 2 for an error of the user's; 130 after
        Ctrl-C.
    """
    return run_cli(lambda: int(bool(_run(detect_faces_parser().parse_args(arguments)))),
                   after_interrupt=go_on_hint('--overwrite'))


def detect_to_file(images: Sequence[ImageRef], detector: dict, out: str, batch_size: int = 16,
                   workers: int = 1, overwrite: bool = False) -> Detection:
    """Find the faces of images and write them to a box file, going on where a run was stopped.

    After every batch its lines are on the disk. What the file holds about other images is kept.
    Unreadable images have no line, so that the next run tries them again.

    Args:
        images: Where to look, in the order that the file is to have.
        detector: Config of a detector.
        out: The box file.
        batch_size: Images per batch.
        workers: Number of processes.
        overwrite: Do not go on with what the file holds.

    Raises:
        UserError: An image that is done has become another one; or see :class:`Journal` and
            :func:`find_faces`.
    """
    built = build_detector(detector)
    description = built.describe()
    with Journal(out, box_header(description), parse_line, overwrite) as journal:
        done: Dict[str, FaceRecord] = {}
        for record in journal.records:
            done.setdefault(record.image, record)
        _refuse_others(images, done, out)
        todo = [ref for ref in images if ref.id not in done]
        _say_where(out, len(images) - len(todo), len(images), journal.damaged)
        unreadable: List[Tuple[str, str]] = []
        findings = find_faces(built if workers == 1 else detector, todo, batch_size, workers)
        with progress_bar('Detecting faces', len(images), len(images) - len(todo)) as bar:
            for finding in findings:
                journal.append(finding.lines)
                for line in finding.lines:
                    record = parse_line(line)
                    done[record.image] = record
                unreadable += finding.unreadable
                bar.update(len(finding.lines) + len(finding.unreadable))
        if todo or not journal.finished:
            asked = [ref.id for ref in images]
            others = done.keys() - set(asked)
            order = [image for image in done if image in others] + asked
            final = [format_line(done[image]) for image in order if image in done]
            journal.finish(final, len(final))
    return Detection(description, {ref.id: done[ref.id] for ref in images if ref.id in done},
                     unreadable)


def _refuse_others(images: Sequence[ImageRef], done: Dict[str, FaceRecord], out: str) -> None:
    """An image of the name of one that is done, perhaps of another folder of that name."""
    for ref in images:
        known = ref.id in done and done[ref.id].file_size
        if known and (file := ref.file()) and isfile(file) and getsize(file) != known:
            raise UserError(f'{out} has an image called {ref.id!r} of {known} bytes, but {file} '
                            f'has {getsize(file)}: give folders of one name an --out each, or, if '
                            'the image was replaced, add --overwrite to begin anew')


def report_unreadable(unreadable: Sequence[Tuple[str, str]], total: int) -> None:
    """List what could not be read, on stderr."""
    if unreadable:
        print(f'{len(unreadable)} of {total} images could not be read:', file=sys.stderr)
        for image, reason in unreadable:
            print(f'  {shown(image)}: {reason}', file=sys.stderr)


def _run(args: argparse.Namespace) -> List[Tuple[str, str]]:
    detector = detector_settings(args.detector, args.score_threshold, args.batch_size, args.device)
    check_picture('--preview', args.preview)
    images = list_images(args.images, args.subset)
    _protect_photos(images, args.preview)
    found = detect_to_file(images, detector, args.out, args.batch_size, args.workers,
                           args.overwrite)
    print(f'{args.out}: {summary(list(found.records.values()))}')
    if args.preview and found.records:
        pairs = [(ref, found.records[ref.id]) for ref in images if ref.id in found.records]
        name, threshold = found.detector.get('detector'), found.detector.get('score_threshold')
        title = f'{name}' if threshold is None else f'{name}, score at least {threshold:g}'
        save_face_sheet(args.preview, pairs, title)
        print(f'{args.preview}: contact sheet')
    report_unreadable(found.unreadable, len(images))
    return found.unreadable


def _protect_photos(images: Sequence[ImageRef], preview: Optional[str]) -> None:
    place = preview and realpath(preview)
    if place and place in {realpath(file) for ref in images if (file := ref.file())}:
        raise UserError(f'--preview {preview} would replace the photo: choose another name')


def _say_where(out: str, done: int, total: int, damaged: int) -> None:
    if damaged:
        print(f'{out}: {counted(damaged, "unfinished or damaged line")} left out; '
              'those images are looked at again')
    if done:
        print(f'{out}: {done} of {total} images are done already')
