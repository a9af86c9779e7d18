"""How the cost of stage I grows, measured and predicted: a table, a plot, and a JSON file.

    python benchmarks/growth.py data/ferplus/FER2013Train --out work_dirs/growth

Trains small MAEs on this processor, one torch thread and one loader process each, and measures

- time per epoch and memory against the number of images, in a folder and in RecordIO;
- throughput against one and two processes;
- time of a step against image size, size of the network, and batch.

A few of the steps give the rates of ``ssfer_mm.profiling.cost``; everything else is predicted from
the counted arithmetic and compared with what was measured. About ten minutes on two cores that
have nothing else to do.
"""
import argparse
import json
import struct
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

from growth_report import draw, in_processes, tables
from growth_runs import CONFIG, Mark, time_steps, train
from mmengine.logging import MMLogger
from startup import link_images

import ssfer_mm  # noqa: F401  registers all components
from ssfer_mm.apis.trials.benchmark import machine
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.profiling.arithmetic import StepWork, Work
from ssfer_mm.profiling.calibrate import fit_device
from ssfer_mm.profiling.cost import Input, Training, predict
from ssfer_mm.profiling.pretraining import Pretraining

BATCH = 128
# name -> (pixels, width, depth, batch). The rates are fitted to those of FITTED.
STEPS = {
    '48 px, 128 x 6, batch 8': (48, 128, 6, 8),
    '48 px, 128 x 6, batch 32': (48, 128, 6, 32),
    '48 px, 128 x 6, batch 128': (48, 128, 6, BATCH),
    '32 px, 128 x 6, batch 128': (32, 128, 6, BATCH),
    '64 px, 128 x 6, batch 128': (64, 128, 6, BATCH),
    '96 px, 128 x 6, batch 128': (96, 128, 6, BATCH),
    '128 px, 128 x 6, batch 64': (128, 128, 6, 64),
    '48 px, 64 x 6, batch 128': (48, 64, 6, BATCH),
    '48 px, 192 x 12, batch 128': (48, 192, 12, BATCH),
    '48 px, 384 x 12, batch 64': (48, 384, 12, 64),
}
FITTED = ('48 px, 128 x 6, batch 8', '48 px, 128 x 6, batch 128', '96 px, 128 x 6, batch 128',
          '48 px, 192 x 12, batch 128')
EPOCHS_OF = (1024, 3072, 9216)
SPENT = dict(wall='seconds', cpu='cpu')  # what an epoch took, by each clock
SHARED = 4096  # images of an epoch that one process trains on, and two
MEMORY_OF = dict(folder=(1000, 10_000, 100_000), recordio=(1000, 10_000, 100_000, 1_000_000))


def settings_of(pixels: int, width: int, depth: int, batch: int) -> list[str]:
    """Of a MAE with patches of 8 pixels, heads of 32, and the micro config's decoder."""
    arch = 'model.backbone.arch'
    return [f'model.backbone.img_size={pixels}', f'model.neck.num_patches={(pixels // 8) ** 2}',
            f'{arch}.embed_dims={width}', f'{arch}.num_layers={depth}',
            f'{arch}.num_heads={width // 32}', f'{arch}.feedforward_channels={4 * width}',
            f'model.neck.embed_dim={width}', f'train_dataloader.batch_size={batch}',
            f'train_dataloader.dataset.pipeline.1.scale={pixels}']


def measure_steps(images: Path, folder: Path, rounds: int) -> list[dict]:
    """Every step of :data:`STEPS`: its counted work, its seconds, its memory."""
    found = []
    for number, (name, variant) in enumerate(STEPS.items()):
        settings = settings_of(*variant)
        timed = time_steps(f'step{number}', [
            *settings, f'train_dataloader.dataset.data_root={images}',
            'train_dataloader.dataset.indices=2048'], folder, rounds)
        pretraining = Pretraining(load_config(str(CONFIG), parsed(settings)))
        pixels, width, depth, batch = variant
        found.append(dict(
            name=name, pixels=pixels, width=width, depth=depth, batch=batch,
            parameters=pretraining.parameters, work=asdict(pretraining.work()),
            step_ms=timed['step_ms'], bare_ms=timed['bare_ms'],
            worker_ms=timed['workers_cpu_ms'], memory_mib=timed['peak_memory_mib']))
        say(f'{name}: {timed["step_ms"]["cpu"]:.1f} ms')
    return found


def parsed(settings: list[str]) -> dict:
    """``KEY=VALUE`` as a config takes it; all values are integers."""
    return {key: int(value) for key, value in (pair.split('=') for pair in settings)}


def measure_epochs(images: Path, folder: Path) -> list[dict]:
    """Seconds and memory of a second epoch, when the decoded images are cached."""
    found = []
    for count in EPOCHS_OF:
        found.append(dict(images=count, **second_epoch(images, folder / f'run{count}', count)))
        say(f'epoch of {count} images: {found[-1]["seconds"]:.1f} s')
    return found


def second_epoch(images: Path, work_dir: Path, count: int, processes: int = 0) -> dict:
    """What passes between the ends of the first two epochs over ``count`` images."""
    steps = count // BATCH
    first, second = [mark for mark in train(
        f'train_dataloader.dataset.data_root={images}', f'train_dataloader.dataset.indices={count}',
        f'train_dataloader.batch_size={BATCH // max(processes, 1)}', work_dir=work_dir,
        processes=processes, last=(2, steps)) if mark.iteration == steps]
    return difference(first, second)


def difference(first: Mark, second: Mark) -> dict:
    """What passed between two marks, and the memory at the second."""
    return dict(seconds=second.clock - first.clock, cpu=second.cpu - first.cpu,
                main_mib=second.memory[0], workers_mib=sum(second.memory[1:]))


def measure_memory(images: Path, folder: Path) -> list[dict]:
    """Memory after a few iterations, without a cache, with ever more images."""
    found = []
    for kind, counts in MEMORY_OF.items():
        for count in counts:
            place = folder / f'{kind}{count}'
            if kind == 'folder':
                link_images(images, place, count)
                config, settings = CONFIG, [f'train_dataloader.dataset.data_root={place}/train']
            else:
                config, settings = stored(images, place, count), []
            mark = train(*settings, 'train_dataloader.batch_size=32',
                         'train_dataloader.dataset.pipeline.0.cache_gb=0', config=config,
                         work_dir=folder / f'memory_{kind}{count}', last=(1, 20))[-1]
            found.append(dict(kind=kind, images=count, main_mib=mark.memory[0],
                              workers_mib=sum(mark.memory[1:])))
            say(f'{kind} of {count} images: {mark.memory[0]:.0f} MiB, worker '
                f'{sum(mark.memory[1:]):.0f}')
    return found


STORED = """
_base_ = ['{config}']
train_dataloader = dict(
    sampler=dict(_delete_=True, type='ShardSampler', order='images'),
    dataset=dict(_delete_=True, type='StoredFaces', pipeline={{{{_base_.train_pipeline}}}},
                 sources=[dict(type='RecordIO', path='{folder}/train.rec')]))
"""


def stored(images: Path, folder: Path, count: int) -> Path:
    """A config for a RecordIO file of a thousand records, whose index has ``count`` entries."""
    folder.mkdir()
    offsets = []
    with open(folder / 'train.rec', 'wb') as file:
        for number, path in enumerate(sorted(images.glob('*.png'))[:1000]):
            payload = struct.pack('<IfQQ', 0, 0., number, 0) + path.read_bytes()
            offsets.append(file.tell())
            file.write(struct.pack('<II', 0xced7230a, len(payload)) + payload
                       + bytes(-len(payload) % 4))
    with open(folder / 'train.idx', 'w', encoding='ascii') as file:
        file.writelines(f'{key}\t{offsets[key % len(offsets)]}\n' for key in range(count))
    config = folder / 'stored.py'
    config.write_text(STORED.format(config=CONFIG, folder=folder), encoding='utf-8')
    return config


def measure_processes(images: Path, folder: Path) -> list[dict]:
    """Images per second of the same joint batch: one process, and two."""
    found = []
    for processes in (1, 2):
        spent = second_epoch(images, folder / f'processes{processes}', SHARED, processes)
        rate = SHARED / spent['seconds']
        found.append(dict(processes=processes, images_per_second=rate, **spent))
        say(f'{in_processes(processes)}: {rate:.0f} images/s')
    return found


def compare(result: dict, clock: str) -> list[dict]:
    """Predictions of all that was measured, from the rates of the fitted steps."""
    steps = {step['name']: step for step in result['steps']}
    device = fit_device(result['machine']['processor'], [
        (work_of(steps[name]).of(steps[name]['batch']), steps[name]['step_ms'][clock] / 1e3)
        for name in FITTED], cores=2, link=1e9)
    base = steps['48 px, 128 x 6, batch 128']
    source = Input(base['worker_ms'] / 1e3 / BATCH, 1, 0)
    result['device'] = asdict(device)
    found = [dict(name=name, fitted=name in FITTED, measured=step['step_ms'][clock] / 1e3,
                  predicted=device.seconds(work_of(step).of(step['batch'])))
             for name, step in steps.items()]

    def epoch(name: str, row: dict, images: int, processes: int) -> None:
        own = replace(device, cores=2 / processes)
        run = Training(images, 1, BATCH // processes, processes, base['parameters'], work_of(base))
        cost = predict(run, own, source)
        busy = cost.networks + cost.reduction + run.batch * source.seconds
        found.append(dict(name=name, fitted=False, measured=row[SPENT[clock]],
                          predicted=cost.epoch if clock == 'wall'
                          else run.steps * processes * busy))

    for row in result.get('epochs', ()):
        epoch(f'epoch of {row["images"]:,} images', row, row['images'], 1)
    for row in result.get('processes', ()):
        epoch(f'epoch of {SHARED:,} images, {in_processes(row["processes"])}', row, SHARED,
              row['processes'])
    return [dict(row, error=row['predicted'] / row['measured'] - 1) for row in found]


def work_of(step: dict) -> StepWork:
    """Counted work, from its JSON."""
    return StepWork(Work(**step['work']['per_image']), Work(**step['work']['per_step']))


def say(text: str) -> None:
    """Progress, with the time since the start."""
    print(f'{time.perf_counter() - BEGIN:6.0f} s  {text}', flush=True)


BEGIN = time.perf_counter()


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('images', type=Path, help='a folder of small .png faces')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/growth'))
    parser.add_argument('--rounds', type=int, default=3, help='turns of each step (default: 3)')
    parser.add_argument('--parts', nargs='*', choices=['steps', 'epochs', 'processes', 'memory'],
                        default=['steps', 'epochs', 'processes', 'memory'],
                        help='measure these; the others are taken from the JSON file of --out')
    parser.add_argument('--clock', choices=['wall', 'cpu'], default='wall',
                        help='compare seconds (wall, the default) or, on a machine that does other '
                        'work as well, processor time of all processes (cpu)')
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    MMLogger.get_current_instance().setLevel('ERROR')
    file = args.out / 'growth.json'
    result = json.loads(file.read_text()) if file.is_file() else {}
    result['machine'] = machine()
    images = args.images.resolve()
    # On the file system of the images: links do not reach further.
    with tempfile.TemporaryDirectory(dir=images.parent) as folder:
        folder = Path(folder)
        ways = dict(steps=lambda: measure_steps(images, folder, args.rounds),
                    epochs=lambda: measure_epochs(images, folder),
                    processes=lambda: measure_processes(images, folder),
                    memory=lambda: measure_memory(images, folder))
        for part in args.parts:
            result[part] = ways[part]()
            file.write_text(json.dumps(result, indent=1) + '\n', encoding='utf-8')
    if 'steps' in result:  # the rates come from them
        result['clock'] = args.clock
        result['compared'] = compare(result, args.clock)
        file.write_text(json.dumps(result, indent=1) + '\n', encoding='utf-8')
        (args.out / 'growth.md').write_text(tables(result), encoding='utf-8')
        draw(result, args.out / 'growth.png')
        print(tables(result))


if __name__ == '__main__':
    sys.exit(run_cli(main))
