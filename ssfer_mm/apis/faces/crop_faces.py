"""Cut square faces out of raw photos: behind ``tools/crop_faces.py``."""
import argparse
import contextlib
import functools
import json
import os.path as osp
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from ssfer_mm.command_line.parsers import crop_faces_parser
from ssfer_mm.command_line.parsers.faces import BOXES, MANIFEST
from ssfer_mm.command_line.progress import progress_bar
from ssfer_mm.command_line.run import go_on_hint, run_cli
from ssfer_mm.datasets.image_sources import ImageRef, list_images
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_file import read_header
from ssfer_mm.faces.box_line import FaceRecord
from ssfer_mm.faces.box_lookup import match_records
from ssfer_mm.faces.detectors.settings import detector_settings
from ssfer_mm.faces.square_crop import cut_square
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.files.journal import Journal, parse_header
from ssfer_mm.images.decode import read_image, three_channels
from ssfer_mm.processes import map_batches

from .crop_plan import (
    NOT_IN_FILE,
    OK,
    UNREADABLE,
    CropJob,
    CropSettings,
    parse_manifest_line,
    plan_crops,
    settled_sources,
)
from .detect_faces import detect_to_file, report_unreadable

FORMAT, VERSION = 'ssfer-face-crops', 1
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]

Task = Tuple[CropJob, Union[str, np.ndarray]]  # with the image's path or pixels


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command.

    Returns:
        Exit status: 0; 1 if images could not be read or are not in the box file; 2 for an error
        of the user's; 130 after Ctrl-C.
    """
    return run_cli(lambda: int(bool(_run(crop_faces_parser().parse_args(arguments)))),
                   after_interrupt=go_on_hint('--overwrite'))


def crop_faces(images: Sequence[ImageRef], faces: Dict[str, FaceRecord], out: str,
               settings: CropSettings, detector: dict, problems: Dict[str, str],
               batch_size: int = 16, workers: int = 1,
               overwrite: bool = False) -> Dict[str, List[dict]]:
    """Write the crops of some images and their manifest, going on where a run was stopped.

    Args:
        images: The photos.
        faces: Id -> faces.
        out: Folder of the crops and the manifest.
        settings: Which faces, and how to cut them out.
        detector: What found the faces, for the manifest.
        problems: Id -> what is wrong, of images known to be unreadable.
        batch_size: Images per batch.
        workers: Number of processes.
        overwrite: Do not go on with what the manifest holds, but remove the crops that it lists.

    Returns:
        Id -> its lines of the manifest.

    Raises:
        UserError: A crop cannot be written or removed, or would replace a photo; or see
            :class:`Journal`.
    """
    header = dict(format=FORMAT, version=VERSION, settings=asdict(settings), detector=detector)
    # It is written before the first crop is.
    unknown = not overwrite and not osp.isfile(osp.join(out, MANIFEST))
    with Journal(osp.join(out, MANIFEST), header, parse_manifest_line, overwrite) as journal:
        done = settled_sources(journal.records, out)
        todo = [ref for ref in images if ref.id not in done]
        jobs = plan_crops(images, faces, settings, done)
        photos = {osp.realpath(file): file for ref in images if (file := ref.file())}
        _protect_photos(photos, jobs, out)
        if unknown:
            _protect_others(jobs, out)
        if overwrite:
            _remove_former(out, photos)
        work = functools.partial(_make_cut, out, settings.size)
        with progress_bar('Cropping faces', len(images), len(done)) as bar:
            for results in _cut_all(jobs, todo, work, problems, batch_size, workers):
                journal.append([line for own in results.values() for line in own])
                for source, own in results.items():
                    done[source] = [parse_manifest_line(line) for line in own]
                bar.update(len(results))
        asked = {ref.id: None for ref in images}
        order = [source for source in done if source not in asked] + list(asked)
        journal.finish([json.dumps(line) for source in order for line in done[source]], len(done))
    return {source: done[source] for source in asked}


def _cut_all(jobs: Sequence[CropJob], images: Sequence[ImageRef], work: Callable,
             problems: Dict[str, str], batch_size: int,
             workers: int) -> Iterator[Dict[str, List[str]]]:
    """Do all jobs; id -> lines of the manifest, batch by batch."""
    yield {job.source: job.lines(*_problem(job, problems)) for job in jobs if not job.crops}
    tasks = [(job, ref) for job, ref in zip(jobs, images) if job.crops]
    batches = ([(job, ref.content()) for job, ref in tasks[start:start + batch_size]]
               for start in range(0, len(tasks), batch_size))
    for batch, lines in map_batches(work, batches, min(workers, len(tasks) or 1)):
        yield {job.source: own for (job, _), own in zip(batch, lines)}


def cut_batch(out: str, size: int, tasks: Sequence[Task]) -> List[List[str]]:
    """Write the crops of some images; gives the lines of the manifest of each."""
    return [_cut(out, size, job, content) for job, content in tasks]


def _make_cut(out: str, size: int) -> functools.partial:
    return functools.partial(cut_batch, out, size)


def _cut(out: str, size: int, job: CropJob, content: Union[str, np.ndarray]) -> List[str]:
    try:
        image = (read_image(content) if isinstance(content, str)
                 else three_channels(content, job.source))
    except UserError as error:
        return job.lines(UNREADABLE, str(error))
    height, width = image.shape[:2]
    if job.size not in (None, (width, height)):
        raise UserError(f'the box file says that {job.source} has {job.size[0]} x {job.size[1]} '
                        f'pixels, but it has {width} x {height}: use a box file made for these '
                        'photos, or leave --boxes out')
    for crop in job.crops:
        suffix = osp.splitext(crop.file)[1]
        data = cv2.imencode(suffix, cut_square(image, crop.square, size), QUALITY)[1]
        path = osp.join(out, crop.file)
        try:
            with atomic_write(path, 'wb') as file:
                file.write(data.tobytes())
        except OSError as error:
            raise UserError(f'cannot write {path} ({error.strerror}): make room there, or choose '
                            'another --out') from None
    return job.lines()


def _problem(job: CropJob, problems: Dict[str, str]) -> Tuple[Optional[str], str]:
    """Status and reason of an image without crops, where it is not simply without a face."""
    if job.source in problems:
        return UNREADABLE, problems[job.source]
    if job.status == NOT_IN_FILE:
        return NOT_IN_FILE, 'the box file does not mention it'
    return None, ''


def _protect_photos(photos: Dict[str, str], jobs: Sequence[CropJob], out: str) -> None:
    """No crop may replace a photo, nor become one in the next run."""
    for job in jobs:
        for crop in job.crops:
            photo = photos.get(osp.realpath(osp.join(out, crop.file)))
            if photo is not None:
                raise UserError(f'the crop of {job.source} would replace the photo {photo}: '
                                'choose another --out')


def _protect_others(jobs: Sequence[CropJob], out: str) -> None:
    """In a folder that holds no crops of ours, pictures are somebody else's."""
    for job in jobs:
        for crop in job.crops:
            path = osp.join(out, crop.file)
            if osp.lexists(path):
                raise UserError(f'{path} exists and is in no {MANIFEST}, so it may be no crop: '
                                'choose another --out, or add --overwrite to replace it')


def _remove_former(out: str, photos: Dict[str, str]) -> None:
    """Whoever trains on the folder reads all crops in it, those of other settings too."""
    root = Path(out).resolve()
    for line in _former_lines(root / MANIFEST):
        path = root / line.get('file', '')
        real = path.resolve()
        if root in real.parents and real.is_file() and str(real) not in photos:
            try:
                path.unlink()
            except OSError as error:
                raise UserError(f'cannot remove {path} ({error.strerror}): make its folder '
                                'writable, or choose another --out') from None


def _former_lines(manifest: Path) -> Iterator[dict]:
    """What is whole in a manifest of crops; nothing if the file is of another kind."""
    try:
        first, *lines = manifest.read_text('utf-8', 'replace').split('\n')
    except OSError:
        return
    if (parse_header(first) or {}).get('format') == FORMAT:
        for line in lines:
            with contextlib.suppress(ValueError, RecursionError):
                yield parse_manifest_line(line)


def _refuse_out_inside(sources: Sequence[str], images: Sequence[ImageRef], out: str) -> None:
    folders = [*sources]
    for dataset in {id(image.dataset): image.dataset for image in images}.values():
        roots = getattr(dataset, 'data_root', None) or ()  # one, or, for stage I, several
        folders += [roots] if isinstance(roots, str) else roots
    folders = filter(osp.isdir, map(osp.expanduser, folders))
    for source in map(osp.realpath, folders):
        if osp.commonpath([source, osp.realpath(out)]) == source:
            raise UserError(f'--out {out} is inside the photos ({source}), so the next run would '
                            'take the crops for photos: choose a folder outside')


def _run(args: argparse.Namespace) -> List[Tuple[str, str]]:
    settings = CropSettings(args.margin, args.size, args.choose, args.min_score, args.min_face)
    settings.check()
    images = list_images(args.photos, args.subset)
    _refuse_out_inside(args.photos, images, args.out)
    problems: Dict[str, str] = {}
    if args.boxes:
        found = match_records(args.boxes, [ref.id for ref in images])
        faces = {ref.id: record for ref, record in zip(images, found) if record is not None}
        header = read_header(args.boxes) or {}
        detector = header.get('detector') or dict(file=osp.basename(args.boxes))
    else:
        made = detector_settings(args.detector, args.score_threshold, args.batch_size, args.device)
        result = detect_to_file(images, made, osp.join(args.out, BOXES), args.batch_size,
                                args.workers, args.overwrite)
        faces, detector, problems = result.records, result.detector, dict(result.unreadable)
    manifest = crop_faces(images, faces, args.out, settings, detector, problems, args.batch_size,
                          args.workers, args.overwrite)
    lines = [line for own in manifest.values() for line in own]
    counts = Counter(line['status'] for line in lines)
    without = [f'{number} {status}' for status, number in counts.items() if status != OK]
    print(f'{osp.join(args.out, MANIFEST)}: {counts[OK]} crops of {len(images)} images'
          + ''.join(f', {text}' for text in without))
    failed = [(line['source'], line['reason']) for line in lines if 'reason' in line]
    report_unreadable(failed, len(images))
    return failed
