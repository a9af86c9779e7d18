"""What face boxes cost in stage II: none, tracked through augmentation, or detected online.

Five ways to make a training step run in turns, on the same images, model and random numbers:

    mixup              stock crop and flip, nothing packed but image and label: no box anywhere
    mixup, tracked     the same passes, with boxes tracked, packed, and their IoU computed
    facemix            Mixup and the real images in one pass, without boxes
    facemix, tracked   the same passes, with boxes tracked, packed, and their IoU computed
    facemix, online    the same passes, with the boxes detected in each augmented batch

FaceMix also puts the real images through the student, which doubles the pass and has nothing to
do with where boxes come from. Therefore boxes are compared at *identical arithmetic*: the weight
of the real images is a constant (0 for Mixup, 1 for FaceMix) in all ways, so that every image is
in the pass or none is, whatever the IoU. "tracked / not" is then the price of tracking alone.

A step is everything: reading and augmenting a batch in this process (no loader worker hides it),
preprocessing, forward, backward, optimizer, teacher. A machine that does other work makes single
steps vary by far more than one percent, so rounds are interleaved, ratios are taken within a
round, and their median and quartiles printed, for wall time and for CPU time. The sharper figure
is the second table: loading and preprocessing alone, repeated often. What tracking adds there is
all that it adds to a step, and is stated as a share of the step.

    python benchmarks/facemix_cost.py
    python benchmarks/facemix_cost.py configs/ssfer/ferplus_5pct_vit-micro.py --json cost.json
"""
import argparse
import json
import sys
import tempfile
import time
from statistics import median, quantiles

import cv2
import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.registry import DATASETS, MODELS
from mmpretrain.structures import DataSample

import ssfer_mm  # noqa: F401  registers all components
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.datasets.collate import collate_sources
from ssfer_mm.errors import UserError
from ssfer_mm.transforms import PackFace

DEFAULT = 'configs/ssfer/synthfer_5pct_vit-micro.py'
# What the tracked transforms set by default and their stock parents do not.
DEFAULTS = {
    'RandomResizedCrop': dict(crop_ratio_range=(0.2, 1.0), interpolation='bicubic'),
    'RandomFlip': dict(prob=0.5),
}
RATIOS = [
    ('tracking, over plain Mixup', 'mixup, tracked', 'mixup'),
    ('tracking, over the same FaceMix', 'facemix, tracked', 'facemix'),
    ('online detection, over the same FaceMix', 'facemix, online', 'facemix'),
    ('FaceMix with tracked boxes, over plain Mixup', 'facemix, tracked', 'mixup'),
    ('FaceMix with online detection, over plain Mixup', 'facemix, online', 'mixup'),
]


def pack_without_box(results: dict) -> dict:
    """What ``PackFace`` does, less the box."""
    sample = DataSample()
    for key in PackFace.META_KEYS:
        if key in results:
            sample.set_field(results[key], key, field_type='metainfo')
    sample.set_field(torch.tensor([int(results['gt_label'])]), 'gt_label')
    pixels = torch.from_numpy(np.ascontiguousarray(results['img'].transpose(2, 0, 1)))
    return dict(inputs=pixels, data_samples=sample)


def stock(step: dict) -> dict:
    """The config of the transform that a tracked one stands for."""
    name = step['type'].removeprefix('Tracked')
    return dict(DEFAULTS.get(name, {}), **{**step, 'type': name})


class Way:
    """One way to make a step: where items come from, and what prepares a batch.

    Args:
        cfg: A training config.
        boxes: ``'none'``, ``'tracked'`` or ``'online'``.
        real_weight: Weight of the real images, 0 for plain Mixup.
        detector: For ``'online'``.
    """

    def __init__(self, cfg, boxes: str, real_weight: float, detector: str) -> None:
        facemix = dict(cfg.data_preprocessor.facemix, real_weight=real_weight)
        online = dict(box_source='online', detector=detector) if boxes == 'online' else {}
        self.preprocessor = MODELS.build(dict(cfg.data_preprocessor, facemix=facemix, **online))
        data = ConfigDict(cfg.train_dataloader.dataset).to_dict()
        source, pipeline = data['dataset'], data['labeled_pipeline']
        if boxes != 'tracked':
            source['boxes'], pipeline = None, [stock(step) for step in pipeline[:-1]]
        elif not source.get('boxes'):
            raise UserError('the config has no face boxes to track: set dataset.boxes in it')
        self.dataset = DATASETS.build(dict(type='SemiSupervisedDataset', dataset=source,
                                           labeled_pipeline=pipeline, split=data.get('split')))
        self.pack = (lambda item: item) if boxes == 'tracked' else pack_without_box

    def batch(self, indices, seed: int) -> dict:
        """Read, augment and collate; the seed fixes the augmentation."""
        np.random.seed(seed)
        return collate_sources([self.pack(self.dataset[int(i)]) for i in indices])


class Bench:
    """All ways, around one model and one optimizer; ``folder`` is for temporary files."""

    def __init__(self, args: argparse.Namespace, folder: str) -> None:
        cfg = load_config(args.config)
        if cfg.train_dataloader.dataset.dataset.type == 'SynthFER':
            cfg.train_dataloader.dataset.dataset.update(num_images=args.images, cache_dir=folder)
            cfg.train_dataloader.dataset.split = None
        self.device = torch.device(args.device)
        self.batch_size = args.batch_size or cfg.train_dataloader.batch_size
        model = dict(cfg.model, pretrained=None, data_preprocessor=cfg.data_preprocessor)
        self.model = MODELS.build(model).to(self.device)
        self.model.init_weights()
        self.model.train()
        self.optimizer = build_optim_wrapper(self.model, cfg.optim_wrapper)
        self.skipped, self.ways, self.prepared = None, {}, {}
        for name, boxes, real in (('mixup', 'none', 0), ('mixup, tracked', 'tracked', 0),
                                  ('facemix', 'none', 1), ('facemix, tracked', 'tracked', 1),
                                  ('facemix, online', 'online', 1)):
            try:
                self.ways[name] = Way(cfg, boxes, real, args.detector)
            except UserError as error:
                if boxes != 'online':
                    raise
                self.skipped = f'{name} skipped: {error}'
                continue
            self.ways[name].preprocessor.to(self.device)
        self.labeled = self.ways['mixup'].dataset.source_sizes[0]
        if self.labeled < self.batch_size:
            raise UserError(f'{self.labeled} labeled images are fewer than a batch of '
                            f'{self.batch_size}: set --images or --batch-size')

    def indices(self, round_: int) -> np.ndarray:
        return np.random.default_rng(round_).choice(self.labeled, self.batch_size, replace=False)

    def step(self, name: str, round_: int) -> None:
        """One training step of stage II."""
        self.model.data_preprocessor = self.ways[name].preprocessor
        torch.manual_seed(round_)
        self.model.train_step(self.ways[name].batch(self.indices(round_), round_), self.optimizer)
        self.model.update_teacher()

    def load(self, name: str, round_: int) -> None:
        """Reading and augmenting a batch alone."""
        self.ways[name].batch(self.indices(round_), round_)

    def prepare(self, name: str, round_: int) -> None:
        """Preprocessing alone: normalize, mix, IoU."""
        if name not in self.prepared:
            self.prepared[name] = self.ways[name].batch(self.indices(0), 0)
        self.ways[name].preprocessor(self.prepared[name], training=True)

    def interleaved(self, work, names, rounds: int) -> dict:
        """Seconds of each repetition: name -> (rounds, 2), wall and CPU."""
        seconds = {name: [] for name in names}
        for round_ in range(-2, rounds):  # two rounds to warm up
            # Who comes first changes, lest one always follows the same other.
            for k in range(len(names)):
                name = names[(k + round_) % len(names)]
                wall, cpu = time.perf_counter(), time.process_time()
                work(name, round_ + 2)
                if self.device.type == 'cuda':
                    torch.cuda.synchronize(self.device)
                if round_ >= 0:
                    seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
        return {name: np.array(times) for name, times in seconds.items()}


def ratio(times: dict, above: str, below: str) -> dict:
    """Median and quartiles of the ratios within a round, of wall and of CPU time."""
    found = {}
    for column, clock in enumerate(('wall', 'cpu')):
        low, middle, high = quantiles(times[above][:, column] / times[below][:, column], n=4)
        found[clock] = dict(median=middle, quartiles=[low, high])
    return found


def measure(args: argparse.Namespace) -> dict:
    """Run everything; gives what is printed, in numbers."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, folder)
    print(f'{args.config}: batches of {bench.batch_size}, {args.device}, {args.threads} thread(s), '
          f'{args.rounds} interleaved rounds', bench.skipped or '', sep='\n', flush=True)
    steps = bench.interleaved(bench.step, list(bench.ways), args.rounds)
    pair = ['facemix', 'facemix, tracked']
    parts = dict(loading=bench.interleaved(bench.load, pair, args.part_rounds),
                 preprocessing=bench.interleaved(bench.prepare, pair, args.part_rounds))
    result = dict(
        config=args.config, batch_size=bench.batch_size, device=args.device, skipped=bench.skipped,
        step_ms={name: dict(wall=1e3 * median(t[:, 0]), cpu=1e3 * median(t[:, 1]))
                 for name, t in steps.items()},
        ratios={text: ratio(steps, above, below) for text, above, below in RATIOS
                if above in steps},
        parts_us_per_image={
            part: {name: 1e6 / bench.batch_size * median(t[:, 1]) for name, t in times.items()}
            for part, times in parts.items()})
    added = sum(part[pair[1]] - part[pair[0]] for part in result['parts_us_per_image'].values())
    result['tracking_us_per_image'] = added
    result['tracking_share_of_step'] = {
        name: added * bench.batch_size / 1e3 / result['step_ms'][name]['cpu']
        for name in ('mixup', 'facemix')}
    return result


def show(result: dict) -> None:
    print(f'\n{"one step, median":50}{"wall ms":>10}{"CPU ms":>10}')
    for name, ms in result['step_ms'].items():
        print(f'{name:50}{ms["wall"]:10.1f}{ms["cpu"]:10.1f}')
    print(f'\n{"median ratio (quartiles)":50}{"wall":>22}{"CPU":>22}')
    for text, clocks in result['ratios'].items():
        columns = ''.join('{:8.3f} ({:.3f}-{:.3f})'.format(
            clocks[clock]['median'], *clocks[clock]['quartiles']) for clock in ('wall', 'cpu'))
        print(f'{text:50}{columns}')
    print(f'\n{"CPU us per image, median":50}{"no boxes":>10}{"tracked":>10}')
    for part, times in result['parts_us_per_image'].items():
        print(f'{part:50}{times["facemix"]:10.1f}{times["facemix, tracked"]:10.1f}')
    shares = result['tracking_share_of_step']
    print(f'tracking adds {result["tracking_us_per_image"]:.1f} us per image: '
          f'{100 * shares["mixup"]:.2f} % of a Mixup step, '
          f'{100 * shares["facemix"]:.2f} % of a FaceMix step')


def parse(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', nargs='?', default=DEFAULT, help=f'default: {DEFAULT}')
    parser.add_argument('--rounds', type=int, default=30, help='steps of each way')
    parser.add_argument('--part-rounds', type=int, default=200,
                        help='repetitions of loading and of preprocessing')
    parser.add_argument('--batch-size', type=int, help="default: the config's")
    parser.add_argument('--images', type=int, default=256, help='faces to draw, for SynthFER')
    parser.add_argument('--detector', default='embedded', help='for online detection')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--threads', type=int, default=1, help='of torch, on the CPU')
    parser.add_argument('--json', help='also write the figures to this file')
    return parser.parse_args(arguments)


def main(arguments=None) -> None:
    args = parse(arguments)
    for name in ('rounds', 'part_rounds'):
        if getattr(args, name) < 2:  # found out in the end, of quartiles
            raise UserError(f'--{name.replace("_", "-")} {getattr(args, name)}: expected at '
                            'least 2')
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        result = measure(args)
    show(result)
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as file:
            json.dump(result, file, indent=1)


if __name__ == '__main__':
    sys.exit(run_cli(main))
