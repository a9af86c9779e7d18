"""How long a training takes from the command to its first iteration, on many images.

Makes a folder of hard links to one folder of small images (nothing is copied), starts
``tools/train.py`` on it, and stops it when it reports its first iteration. Wall time counts
everything; CPU time, of all processes of the run, is what to go by on a machine that does other
work as well.

    python benchmarks/startup.py IMAGES --count 300000
"""
import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# All of them in one labeled set, of which a twentieth keeps its labels.
SSFER = """
_base_ = ['{root}/configs/ssfer/my-faces_resnet-nano.py']
data_preprocessor = dict(num_classes=7)
model = dict(pretrained=None, classifier=dict(head=dict(num_classes=7)))
train_dataloader = dict(dataset=dict(
    split=dict(_delete_=True, fraction=0.05, seed=0), dataset=dict(data_root='{faces}'),
    extra_unlabeled=[]))
val_cfg = val_dataloader = val_evaluator = test_cfg = test_dataloader = test_evaluator = None
"""
CLASSES = ('anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise')
PER_FOLDER = 1000


def link_images(source: Path, target: Path, count: int) -> None:
    """Lay out ``count`` links as ``target/{train,test}/<class>/``."""
    images = sorted(path for path in source.iterdir() if path.suffix in ('.png', '.jpg'))
    images = images[:PER_FOLDER]
    if not images:
        sys.exit(f'error: no .png or .jpg in {source}; name a folder of small images')
    # File systems allow some ten thousand links per file.
    for name in CLASSES:
        (target / 'train' / name).mkdir(parents=True)
        (target / 'test' / name).mkdir(parents=True)
        os.link(images[0], target / 'test' / name / images[0].name)
    for index in range(count):
        image = images[index % len(images)]
        os.link(image, target / 'train' / CLASSES[index % len(CLASSES)] /
                f'{index:07d}{image.suffix}')


def time_start(arguments: list) -> tuple:
    """Seconds until the first iteration: wall, and CPU of the process and its workers."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    command = [sys.executable, str(ROOT / 'tools' / 'train.py'), *arguments]
    run = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines, wall = [], None
    for line in run.stdout:
        lines.append(line)
        if 'Epoch(train)' in line:
            wall = time.perf_counter() - begin
            break
    run.terminate()
    run.stdout.close()
    run.wait()
    if wall is None:
        sys.exit(''.join(lines[-5:]) + 'error: the training did not begin')
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, sum(getattr(after, key) - getattr(before, key) for key in ('ru_utime', 'ru_stime'))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('images', type=Path, help='a folder of small images')
    parser.add_argument('--count', type=int, default=300_000)
    parser.add_argument('--stages', nargs='+', choices=['mae', 'ssfer'], default=['mae', 'ssfer'])
    args = parser.parse_args()
    # On the file system of the images: links do not reach further.
    with tempfile.TemporaryDirectory(dir=args.images.resolve().parent) as folder:
        link_images(args.images.resolve(), Path(folder) / 'faces', args.count)
        faces = f'{folder}/faces'
        many = Path(folder) / 'many.py'
        many.write_text(SSFER.format(root=ROOT, faces=faces))
        mae = str(ROOT / 'configs/mae/mae_vit-micro-p8_faces-48px.py')
        ways = dict(mae=[mae, '--cfg-options', f'train_dataloader.dataset.data_root={faces}/train'],
                    ssfer=[str(many), '--cfg-options'])
        for name in args.stages:
            wall, cpu = time_start([*ways[name], 'default_hooks.logger.interval=1',
                                    '--work-dir', f'{folder}/{name}'])
            print(f'{name}: {args.count} images, first iteration after {wall:.1f} s, '
                  f'{cpu:.1f} s of CPU', flush=True)


if __name__ == '__main__':
    main()
