"""``ssfer predict``: from photos, a video or a camera to tables and annotated pictures."""
import argparse
import contextlib
import os
import os.path as osp
import sys
import time
from collections import Counter
from typing import Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from ssfer_mm.command_line.printing import counted, shown
from ssfer_mm.command_line.progress import progress
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write

from .annotate import draw_result, enlargement, legible
from .backends import network_threads
from .background import WriteBehind
from .clock import STAGES
from .gentle_stop import GentleStop
from .inferencer import FERInferencer
from .loading import Loaded
from .outputs import check_kinds, check_tables, check_targets, video_target
from .results import ImageResult
from .sources import Photo, Video, find_source, left_out
from .video import check_window, predict_video, show, video_sink
from .video_source import FrameSource
from .writers import csv_file, json_file

WRITING = STAGES[-1]


class Tally:
    """What to say at the end.

    Attributes:
        images: How many there were.
        unreadable: (name, status) of those that could not be read.
    """

    def __init__(self) -> None:
        self.images = self.faces = self.with_faces = 0
        self.labels: Counter = Counter()
        self.unreadable: List[Tuple[str, str]] = []

    def add(self, result: ImageResult) -> None:
        """Count an image."""
        self.images += 1
        self.faces += len(result.faces)
        self.with_faces += bool(result.faces)
        self.labels.update(face.label for face in result.faces)
        if not result.readable:
            self.unreadable.append((result.source, result.status))

    def summary(self, what: str) -> str:
        """A line such as ``3 images: 2 with 4 faces (happiness 3, anger 1), 1 without a face``."""
        shares = ', '.join(f'{label} {count}' for label, count in self.labels.most_common())
        without = self.images - self.with_faces - len(self.unreadable)
        return (f'{counted(self.images, what)}: {self.with_faces} with '
                + counted(self.faces, 'face') + (f' ({shares})' if shares else '')
                + f', {without} without a face'
                + (f', {len(self.unreadable)} unreadable' if self.unreadable else ''))


def predict(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        Exit status: 0, or 1 if something could not be read.

    Raises:
        UserError: It cannot be carried out.
    """
    check_kinds(args)
    source = find_source(args.source, args.out or '')
    for line in left_out(args.source):
        print(line, file=sys.stderr)
    if isinstance(source, list):
        for option in ('smooth', 'show'):
            if getattr(args, option) not in (None, False):
                raise UserError(f'--{option} is for videos and cameras: leave it out')
        check_targets(source, args.out)
        check_tables([photo.path for photo in source], args)
        return _predict_photos(source, make_inferencer(args), args)
    check_tables([source.path] if isinstance(source, Video) else [], args)
    if args.show:
        check_window()
    with FrameSource(source) as frames:
        target = video_target(frames, args.out)
        if frames.live and not (target or args.csv or args.json or args.show):
            raise UserError('nothing would be kept of the camera: add --show, --out DIR, --csv '
                            'FILE or --json FILE')
        # The model last: all else fails sooner.
        return _predict_frames(frames, target, make_inferencer(args), args)


def make_inferencer(args: argparse.Namespace) -> FERInferencer:
    """Model and detector, as the command line says."""
    began = time.perf_counter()
    _share_cores()
    inferencer = FERInferencer(
        args.model, args.detector, args.device, args.backend, args.config, args.dataset,
        args.score_threshold, args.margin, args.batch_size, args.flip)
    print(f'model {inferencer.name} ({len(inferencer.classes)} classes), detector '
          f'{args.detector}: loaded in {time.perf_counter() - began:.1f} s')
    return inferencer


def _share_cores() -> None:
    """Leave a core to the threads that read, unless the user says how many the networks take.

    To be called before torch is imported, which reads the variable then.
    """
    os.environ.setdefault('OMP_NUM_THREADS', str(network_threads()))


def _predict_photos(photos: Sequence[Photo], inferencer: FERInferencer,
                    args: argparse.Namespace) -> int:
    inferencer.clock.reset()
    tally = Tally()
    found = inferencer.stream(photos)
    quiet = bool(args.out or args.csv or args.json)
    with contextlib.ExitStack() as stack:
        tables = stack.enter_context(_tables(args, inferencer))
        pictures = stack.enter_context(_picture_writer(args.out))
        for loaded, result in progress(found, len(photos), shown=len(photos) > 1):
            with inferencer.clock.measure(WRITING):
                for table in tables:
                    table.write(result)
                if pictures is not None and loaded.pixels is not None:
                    pictures.put((loaded, result))
            if not quiet and result.readable:
                print(_lines(result))
            tally.add(result)
        with inferencer.clock.measure(WRITING):
            stack.close()
    return _finish(tally, inferencer, args, args.out, 'image')


def _predict_frames(source: FrameSource, target: str, inferencer: FERInferencer,
                    args: argparse.Namespace) -> int:
    inferencer.clock.reset()
    tally = Tally()
    with contextlib.ExitStack() as stack:
        tables = stack.enter_context(_tables(args, inferencer))
        sink = stack.enter_context(
            video_sink(target, source.rate, _drawn_size(source.size), _drawn, source.uneven,
                       source.live)
        ) if target else None
        stop = stack.enter_context(GentleStop())
        # Last, so that on any way out its threads end first: they read from the source.
        found = stack.enter_context(
            contextlib.closing(predict_video(inferencer, source, args.smooth)))
        for loaded, result in progress(found, source.total, 'frame'):
            tally.add(result)
            with inferencer.clock.measure(WRITING):
                for table in tables:
                    table.write(result)
                if sink is not None:
                    sink.put((loaded.pixels, result))
                if args.show and not show(_drawn(loaded.pixels, result)):
                    break
            if stop.wanted:
                break
        with inferencer.clock.measure(WRITING):
            stack.close()
    status = _finish(tally, inferencer, args, target, 'frame')
    if source.problem:
        print(f'{shown(source.name)}: {source.problem}', file=sys.stderr)
        status = 1
    if stop.wanted and not source.live:  # of a camera, it is how recordings end
        print(f'Interrupted after {tally.images} of {source.total or "unknown"} frames; these are '
              'written.', file=sys.stderr)
        return 130
    return status


def _finish(tally: Tally, inferencer: FERInferencer, args: argparse.Namespace,
            drawn: Optional[str], what: str) -> int:
    """Say what was found and where it is written; ``drawn`` is the folder or video of --out."""
    breakdown = inferencer.clock.breakdown(tally.images, what)
    # Of a single photo, its faces are all there is to say.
    several = tally.images != 1 or what == 'frame'
    if several:
        print(tally.summary(what))
    for path in filter(None, (args.csv, args.json, drawn)):
        print(f'written to {path}')
    if several:
        print(breakdown)
    for name, status in tally.unreadable:
        print(f'{shown(name)}: {status}', file=sys.stderr)
    return int(bool(tally.unreadable))


@contextlib.contextmanager
def _tables(args: argparse.Namespace, inferencer: FERInferencer) -> Iterator[list]:
    with contextlib.ExitStack() as stack:
        tables = []
        if args.csv:
            tables.append(stack.enter_context(csv_file(args.csv, inferencer.classes)))
        if args.json:
            tables.append(stack.enter_context(json_file(args.json, inferencer.describe())))
        yield tables


@contextlib.contextmanager
def _picture_writer(out: Optional[str]) -> Iterator[Optional[WriteBehind]]:
    if not out:
        yield None
        return

    def write(item: Tuple[Loaded, ImageResult]) -> None:
        loaded, result = item
        save_picture(osp.join(osp.expanduser(out), loaded.target),
                     _drawn(loaded.closer().pixels, result))

    with WriteBehind(write) as behind:
        yield behind


def _drawn(image: np.ndarray, result: ImageResult) -> np.ndarray:
    """A picture, or frame, with what was found in it; of `_drawn_size`."""
    return draw_result(legible(image), result)


def _drawn_size(size: Tuple[int, int]) -> Tuple[int, int]:
    return size[0] * enlargement(size), size[1] * enlargement(size)


def save_picture(path: str, image: np.ndarray) -> None:
    """Write a BGR image, wholly or not at all.

    Raises:
        UserError: It cannot be written.
    """
    done, data = cv2.imencode(osp.splitext(path)[1].lower(), image)
    try:
        if not done:
            raise OSError('it cannot be encoded')
        with atomic_write(path, 'wb') as file:
            file.write(data.tobytes())
    except OSError as error:
        raise UserError(f'cannot write {path} ({error.strerror or error}): choose another --out'
                        ) from error


def _lines(result: ImageResult) -> str:
    """One image for the terminal: of every face the label, box and score, and all probabilities."""
    if not result.faces:
        return f'{shown(result.source)}: {result.status}'
    lines = []
    for face in result.faces:
        box = ', '.join(f'{edge:.0f}' for edge in face.box)
        shares = ', '.join(f'{name} {100 * share:.1f} %' for name, share in face.top(None))
        lines += [f'{shown(result.source)}: {face.label}, face at ({box}) with score '
                  f'{face.score:.2f}',
                  f'    {shares}']
    return '\n'.join(lines)
