"""Which margin around a detected face suits a recognizer: crops as it was trained on, found again.

    python benchmarks/crop_margin.py work_dirs/RUN/classifier_semi.pth CONFIG --count 900

Every image of the config's test set, a face crop, is enlarged to 96-200 px and pasted into a plain
320 px picture, where the embedded detector looks for it. What lies within a square about its box
is then classified. Per margin: accuracy, mean class accuracy, and how often the answer is that for
the crop itself. The margin is a share of the box's longer edge; faces not found are left out.
Give the best one to tools/convert_checkpoint.py, export.py or ship_model.py as --margin.
"""
import argparse
import sys
from typing import List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np
from mmpretrain.registry import DATASETS

import ssfer_mm  # noqa: F401  registers all components
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.faces.detectors import build_detector
from ssfer_mm.faces.square_crop import cut_square, square_around
from ssfer_mm.images.decode import read_image
from ssfer_mm.inference.torch_backend import TorchClassifier
from ssfer_mm.model_files.described import Options

SIDE = 320
MARGINS = (-.15, -.1, -.075, -.05, -.025, 0., .025, .05, .1, .15, .25)


class Pasted(NamedTuple):
    """A face crop in a picture.

    Attributes:
        crop: uint8 (H, W, 3) BGR.
        label: Class index.
        picture: uint8 (320, 320, 3) BGR.
        place: (x, y, side) in pixels of the picture.
    """
    crop: np.ndarray
    label: int
    picture: np.ndarray
    place: Tuple[int, int, int]


def paste(rng: np.random.Generator, crop: np.ndarray, label: int) -> Pasted:
    """Put a crop somewhere before a soft, grainy background."""
    colors = rng.uniform(30, 220, (3, 3, 3)).astype(np.float32)
    picture = cv2.resize(colors, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    picture = (picture + rng.normal(0, 4, (SIDE, SIDE, 1))).clip(0, 255).astype(np.uint8)
    side = int(rng.integers(96, 200))
    x, y = (int(value) for value in rng.integers(0, SIDE - side, 2))
    picture[y:y + side, x:x + side] = cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC)
    return Pasted(crop, label, picture, (x, y, side))


def find(detector, items: Sequence[Pasted]) -> List[Tuple[Pasted, np.ndarray]]:
    """The items whose face is found, with its box: the best whose middle is inside the crop."""
    found = []
    for item, faces in zip(items, detector.detect([item.picture for item in items])):
        x, y, side = item.place
        for box in faces.boxes:
            middle = (box[:2] + box[2:]) / 2
            if x < middle[0] < x + side and y < middle[1] < y + side:
                found.append((item, box))
                break
    return found


def read_items(config: str, count: int) -> List[Pasted]:
    """Pasted images of a config's test set, drawn with seed 0."""
    cfg = load_config(config)
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, pipeline=[]))
    rng = np.random.default_rng(0)
    items = []
    for index in rng.permutation(len(dataset))[:count]:
        info = dataset.get_data_info(int(index))
        crop = info['img'] if info.get('img') is not None else read_image(info['img_path'])
        items.append(paste(rng, crop, int(info['gt_label'])))
    return items


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(_parse(arguments)))


def _run(args: argparse.Namespace) -> None:
    classifier = TorchClassifier(args.model, Options(config=''), args.device, 32, lambda f: f)
    items = read_items(args.config, args.count)
    found = find(build_detector('embedded'), items)
    labels = np.array([item.label for item, _ in found])
    alone = classifier.predict([item.crop for item, _ in found]).argmax(1)
    size = max(classifier.input_size)
    print(f'{len(found)} of {len(items)} faces found\ncrop itself: {_figures(alone, labels)}')
    for margin in args.margins:
        crops = [cut_square(item.picture, square_around(box, margin), size) for item, box in found]
        answers = classifier.predict(crops).argmax(1)
        print(f'margin {margin:+.3f}: {_figures(answers, labels)}, as for the crop itself '
              f'{100 * (answers == alone).mean():.1f} %')


def _figures(answers: np.ndarray, labels: np.ndarray) -> str:
    recalls = [(answers[labels == k] == k).mean() for k in np.unique(labels)]
    return (f'accuracy {100 * (answers == labels).mean():.1f} %, mean class accuracy '
            f'{100 * np.mean(recalls):.1f} %')


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('model', help='a classifier, .pth or .safetensors')
    parser.add_argument('config', help='a training config; its test set is used')
    parser.add_argument('--count', type=int, default=900, help='images (default: 900)')
    parser.add_argument('--margins', type=float, nargs='+', default=MARGINS)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    sys.exit(main())
