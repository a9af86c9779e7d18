"""What it costs to hold and to read millions of faces in each kind of store.

    python benchmarks/face_sources.py index --images 10000000
    python benchmarks/face_sources.py read data/faces13k/images

``index`` makes an index of so many images (of sparse files: it needs about 330 MB of disk for ten
million) and measures, in processes of their own, how long it takes to open and what memory the
main process and two forked workers use while they look images up and draw an epoch's order.

``read`` packs a folder of images into every kind of store and reads them, in both orders, with
the files in the system's cache and dropped from it. What is dropped is what this process wrote;
a virtual disk's host may still have it in its own memory.
"""
import argparse
import json
import multiprocessing
import os
import os.path as osp
import struct
import sys
import tempfile
import time
import zipfile
from queue import Empty

import numpy as np
from mmengine.logging import MMLogger

import ssfer_mm  # noqa: F401  registers all components
from ssfer_mm.apis.dataset.pack_faces import pack
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.datasets.shard_sampler import ShardSampler
from ssfer_mm.datasets.sources import Mixture, TarShards, build_source
from ssfer_mm.datasets.sources.archives import VERSION
from ssfer_mm.datasets.sources.index_file import write_index
from ssfer_mm.datasets.sources.source import FACE_SOURCES
from ssfer_mm.datasets.stored_faces import StoredFaces
from ssfer_mm.images.files import scan_images

BYTES, STRIDE = 3000, 4096  # of a generated image, and from one to the next in its file


def memory() -> dict:
    """Megabytes: this process's own, and all that is mapped into it, shared or not."""
    with open('/proc/self/smaps_rollup', encoding='ascii') as file:
        kilobytes = {line.split(':')[0]: int(line.split()[1]) for line in file if ' kB' in line}
    return dict(own=kilobytes['Private_Dirty'] / 1e3, resident=kilobytes['Rss'] / 1e3)


def grown(before: dict) -> dict:
    return {key: round(value - before[key], 1) for key, value in memory().items()}


@FACE_SOURCES.register_module(force=True)  # tests load this file more than once
class EmptyShards(TarShards):
    """Shards of nothing but zeros, which take no room on the disk."""

    def is_header(self, block: bytes, length: int) -> bool:
        return True


def generate(root: str, count: int, shards: int = 1000) -> dict:
    """An index of ``count`` images in shards of the right size that take no room."""
    shards = min(shards, count)
    each = np.full(shards, count // shards, np.int64)
    each[:count % shards] += 1
    files = []
    for number, images in enumerate(each.tolist()):
        files.append((f'faces-{number:06d}.tar', STRIDE * (images + 1)))
        with open(osp.join(root, files[-1][0]), 'wb') as file:
            file.truncate(files[-1][1])
    starts = np.concatenate([[0], np.cumsum(each)])
    offsets = 512 + STRIDE * (np.arange(count) - np.repeat(starts[:-1], each))
    facts = dict(kind='EmptyShards', version=VERSION, files=[list(file) for file in files])
    write_index(osp.join(root, 'faces.index'), facts, dict(
        offset=offsets.astype(np.uint32), length=np.full(count, BYTES, np.uint32), starts=starts,
        names=np.tile(np.frombuffer(b'000000000_someone.jpg', np.uint8), count),
        name_ends=(21 * (np.arange(count, dtype=np.uint32) + 1))))
    return dict(type='EmptyShards', path=root)


def look_up(faces: StoredFaces, lookups: int, answers) -> None:
    """A worker: read and name images all over the store."""
    before = memory()
    draws = np.random.default_rng(os.getpid()).integers(len(faces), size=lookups)
    begin = time.perf_counter()
    for index in draws.tolist():
        if len(faces.source.read(index)) != BYTES or not faces.source.name(index):
            raise AssertionError(index)
    seconds = time.perf_counter() - begin
    answers.put(dict(grown(before), us_per_image=round(1e6 * seconds / lookups, 1)))


def answer(queue, children: list) -> dict:
    """What the next child says, or an error if one ended without a word."""
    while True:
        try:
            return queue.get(timeout=1)
        except Empty:
            if any(child.exitcode for child in children):
                raise RuntimeError('a process of the benchmark has failed, see above') from None


def measure_index(cfg: dict, lookups: int, order: str, answers) -> None:
    """The main process of a training: open, draw an order, and fork two workers."""
    before, begin = memory(), time.perf_counter()
    faces = StoredFaces([cfg])
    result = dict(order=order, images=len(faces), open_s=round(time.perf_counter() - begin, 3),
                  main_opened=grown(before))
    begin = time.perf_counter()
    indices = iter(ShardSampler(faces, order, seed=0))
    next(indices)
    result['first_index_s'] = round(time.perf_counter() - begin, 3)
    begin = time.perf_counter()
    for _ in range(200_000):
        next(indices)
    result['us_per_index'] = round((time.perf_counter() - begin) * 5, 2)
    result['main_drawing'] = grown(before)
    context = multiprocessing.get_context('fork')
    queue = context.Queue()
    children = [context.Process(target=look_up, args=(faces, lookups, queue)) for _ in range(2)]
    for child in children:
        child.start()
    result['workers'] = [answer(queue, children) for _ in children]
    for child in children:
        child.join()
    answers.put(result)


def index_command(args: argparse.Namespace) -> list[dict]:
    results, context = [], multiprocessing.get_context('fork')
    with tempfile.TemporaryDirectory(dir=args.folder) as root:
        begin = time.perf_counter()
        cfg = generate(root, args.images)
        size = osp.getsize(osp.join(root, 'faces.index')) / 1e6
        print(f'generated in {time.perf_counter() - begin:.1f} s, {size:.0f} MB', flush=True)
        for order in ('images', 'shards'):
            queue = context.Queue()
            child = context.Process(target=measure_index,
                                    args=(cfg, args.lookups, order, queue))
            child.start()
            results.append(answer(queue, [child]))
            child.join()
            print(json.dumps(results[-1], indent=1), flush=True)
    return results


def stores(folder: str, root: str, count: int) -> dict[str, dict]:
    """The folder's images in every kind of store, the same bytes in the same order."""
    images = build_source(dict(type='ImageFolder', path=folder))
    count = min(count, len(images))
    data = [images.read(index) for index in range(count)]
    made = {'folder': dict(type='ImageFolder', path=folder)}
    pack(Mixture([images]), osp.join(root, 'tars'), 1000)
    made['tar'] = dict(type='TarShards', path=osp.join(root, 'tars'))
    with zipfile.ZipFile(osp.join(root, 'faces.zip'), 'w') as archive:
        for number, item in enumerate(data):
            archive.writestr(f'{number:06d}.jpg', item)
    made['zip'] = dict(type='ZipArchives', path=osp.join(root, 'faces.zip'))
    with open(osp.join(root, 'train.rec'), 'wb') as file:
        for number, item in enumerate(data):
            payload = struct.pack('<IfQQ', 0, 0., number, 0) + item
            file.write(struct.pack('<II', 0xced7230a, len(payload)) + payload
                       + bytes(-len(payload) % 4))
    made['rec'] = dict(type='RecordIO', path=osp.join(root, 'train.rec'))
    try:
        import lmdb
    except ImportError:
        return made
    path = osp.join(root, 'faces.lmdb')
    with lmdb.open(path, map_size=1 << 32) as store, store.begin(write=True) as transaction:
        for number, item in enumerate(data):
            transaction.put(f'{number:08d}'.encode(), item)
    made['lmdb'] = dict(type='LMDB', path=path)
    return made


def drop(path: str) -> None:
    """Ask the system to forget what it holds of these files."""
    paths = [path] if osp.isfile(path) else [osp.join(path, name) for name in (
        scan_images(path) or os.listdir(path))]
    for name in paths:
        handle = os.open(name, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def read_command(args: argparse.Namespace) -> list[dict]:
    pipeline = [dict(type='LoadFace', max_pixels=2**20),
                dict(type='TrackedRandomResizedCrop', scale=args.size), dict(type='PackFace')]
    results = []
    print(f'{"store":8}{"order":8}{"cache":7}{"reads/s":>10}{"items/s":>10}', flush=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as root:
        for name, cfg in stores(args.images_folder, root, args.count).items():
            for order in ('images', 'shards'):
                faces = StoredFaces([cfg], pipeline)
                sampler = ShardSampler(faces, order, block=256, buffer=2048, seed=0)
                indices = list(sampler)[:args.count]
                for cache in ('cold', 'warm'):
                    if cache == 'cold':
                        drop(cfg['path'])
                    begin = time.perf_counter()
                    for index in indices:
                        if order == 'shards':
                            faces._announce(int(index))
                        faces.source.read(int(index))
                    reads = len(indices) / (time.perf_counter() - begin)
                    results.append(dict(store=name, order=order, cache=cache, reads_per_s=reads))
                    if cache == 'warm':
                        some = indices[:args.items]
                        begin = time.perf_counter()
                        for index in some:
                            faces[index]
                        results[-1]['items_per_s'] = len(some) / (time.perf_counter() - begin)
                    print(f'{name:8}{order:8}{cache:7}{reads:10.0f}'
                          f'{results[-1].get("items_per_s", float("nan")):10.0f}', flush=True)
    return results


def parse(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    commands = parser.add_subparsers(dest='command', required=True)
    index = commands.add_parser('index', help='memory and time of a huge index')
    index.add_argument('--images', type=int, default=10_000_000)
    index.add_argument('--lookups', type=int, default=100_000, help='images each worker reads')
    read = commands.add_parser('read', help='images per second from every kind of store')
    read.add_argument('images_folder')
    read.add_argument('--count', type=int, default=20000, help='at most so many images')
    read.add_argument('--items', type=int, default=1000, help='images to decode and crop')
    read.add_argument('--size', type=int, default=224, help='of the crops, in pixels')
    for command in (index, read):
        command.add_argument('--folder', help='for temporary files')
        command.add_argument('--json', help='also write the figures to this file')
    return parser.parse_args(arguments)


def main(arguments=None) -> None:
    args = parse(arguments)
    MMLogger.get_current_instance().setLevel('WARNING')
    results = (index_command if args.command == 'index' else read_command)(args)
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as file:
            json.dump(results, file, indent=1)


if __name__ == '__main__':
    sys.exit(run_cli(main))
