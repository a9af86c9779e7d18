"""How much of its time `ssfer predict` spends inside the two networks, on photos of 2 megapixels.

    python benchmarks/predict_speed.py work_dirs/RUN/classifier_semi.pth deploy/model.onnx
    python benchmarks/predict_speed.py MODEL --photos FOLDER     # photos of your own

Photos are composed: one to three faces of 220 to 600 pixels on a grainy background, 1920 x 1080,
JPEG. The models take turns, so that other work of the machine meets all of them alike.

    networks    share of the wall time in which detector or classifier runs; the rest is what they
                wait for: reading, cropping, tables
    CPU         seconds of all threads per photo; `before` is decoding and preparing alone, which
                other threads do meanwhile
"""
import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Dict, List, Sequence, Tuple

import cv2
import numpy as np

from ssfer_mm.apis.export.export_model import faces_of
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.images.files import scan_images
from ssfer_mm.inference import FERInferencer

WIDTH, HEIGHT = 1920, 1080


def compose(rng: np.random.Generator, faces: List[np.ndarray]) -> np.ndarray:
    """One photo, uint8 (1080, 1920, 3) BGR."""
    colors = rng.uniform(30, 220, (3, 4, 3)).astype(np.float32)
    photo = cv2.resize(colors, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for step, strength in ((4, 10), (2, 6), (1, 4)):  # grain, which makes files as large as real
        grain = rng.normal(0, strength, (HEIGHT // step, WIDTH // step)).astype(np.float32)
        photo += cv2.resize(grain, (WIDTH, HEIGHT))[..., None]
    count = rng.integers(1, 4)
    for place in range(count):
        side = int(np.exp(rng.uniform(np.log(220), np.log(600))))
        face = cv2.resize(faces[rng.integers(len(faces))], (side, side),
                          interpolation=cv2.INTER_CUBIC)
        x = place * WIDTH // count + int(rng.integers(0, max(1, WIDTH // count - side)))
        y = int(rng.integers(0, HEIGHT - side))
        photo[y:y + side, x:x + side] = face
    return photo.clip(0, 255).astype(np.uint8)


def write_photos(folder: Path, count: int, faces: str) -> None:
    """Fill a folder."""
    rng, crops = np.random.default_rng(0), faces_of(faces, 50)
    for number in range(count):
        cv2.imwrite(str(folder / f'{number:04d}.jpg'), compose(rng, crops),
                    [cv2.IMWRITE_JPEG_QUALITY, 90])


def measure(inferencer: FERInferencer, photos: List[str]) -> Dict[str, float]:
    """One run over all photos."""
    inferencer.clock.reset()
    cpu = time.process_time()
    results = inferencer(photos)
    total = inferencer.clock.total
    return dict(wall=1e3 * total / len(photos), networks=inferencer.clock.networks / total,
                cpu=1e3 * (time.process_time() - cpu) / len(photos),
                faces=sum(len(result.faces) for result in results))


def before(inferencer: FERInferencer, photos: List[str]) -> float:
    """Milliseconds of CPU that decoding and preparing one photo takes."""
    cpu = time.process_time()
    for number, photo in enumerate(photos):
        inferencer.load(photo, number)
    return 1e3 * (time.process_time() - cpu) / len(photos)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(_parse(arguments)))


def _run(args: argparse.Namespace) -> None:
    models = [(model, FERInferencer(model)) for model in args.models]
    with tempfile.TemporaryDirectory() as folder:
        if not args.photos:
            write_photos(Path(folder), args.count, args.faces)
        root = Path(args.photos or folder)
        photos = [str(root / name) for name in scan_images(str(root))][:args.count]
        rounds: List[Tuple[str, Dict[str, float]]] = []
        for _, inferencer in models:
            inferencer(photos[:16])  # the first batches allocate memory
        for _ in range(args.rounds):
            rounds += [(model, measure(inferencer, photos)) for model, inferencer in models]
        decoding = {model: before(inferencer, photos) for model, inferencer in models}
    print(f'{len(photos)} photos, {args.rounds} rounds, medians')
    for model, _ in models:
        own = [figures for name, figures in rounds if name == model]
        wall, share, cpu, faces = (median(figures[key] for figures in own)
                                   for key in ('wall', 'networks', 'cpu', 'faces'))
        print(f'{model}: networks {100 * share:.1f} % of the wall time; {wall:.1f} ms wall, '
              f'{cpu:.1f} ms CPU per photo, of which {decoding[model]:.1f} before the networks; '
              f'{faces:.0f} faces')


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('models', nargs='+', help='files of classifiers, .pth, .safetensors, .onnx')
    parser.add_argument('--photos', help='a folder of photos instead of composed ones')
    parser.add_argument('--faces', default='', help='face crops to compose with (default: drawn)')
    parser.add_argument('--count', type=int, default=200, help='photos (default: 200)')
    parser.add_argument('--rounds', type=int, default=3)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    sys.exit(main())
