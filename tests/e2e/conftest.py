"""Raw data of every dataset, and one finished run that several tests look at."""
import tarfile
from types import SimpleNamespace

import pytest
from mmengine.registry import DefaultScope

from ssfer_mm.apis import load_config, run_cli, train, train_main
from support import layouts
from support.shrink import shrink, unique_name, write

# Two images of every class but one.
COUNTS = dict.fromkeys(layouts.ex.AFFECTNET8, 2) | dict(happiness=8)


@pytest.fixture(scope='session')
def raw(tmp_path_factory):
    """Folder that a config names -> a folder in that dataset's layout, per variant."""
    base = tmp_path_factory.mktemp('raw')
    layouts.make_rafdb(base / 'rafdb', train=COUNTS, test=1)
    layouts.make_ferplus(base / 'ferplus', train=COUNTS, valid=1, test=1)
    layouts.make_affectnet(base / 'affectnet', train=COUNTS, valid=1)
    layouts.make_class_folders(base / 'my_faces', train=COUNTS, test=1,
                               classes=layouts.ex.AFFECTNET8)
    layouts.make_unlabeled(base / 'my_faces' / 'unlabeled', n=12)
    layouts.make_unlabeled(base / 'faces', n=12)
    layouts.make_unlabeled(base / 'faces13k' / 'images', n=12)
    (base / 'faces_shards').mkdir()
    with tarfile.open(base / 'faces_shards' / '0000.tar', 'w') as shard:
        shard.add(base / 'faces', arcname='.')
    return {f'data/{name}': base / name for name in (
        'rafdb', 'ferplus', 'affectnet', 'my_faces', 'faces', 'faces_shards', 'faces13k',
        'synthfer')}


@pytest.fixture()
def cli(capfd):
    """Run a tool's main function as its script does -> exit status, what it wrote to stderr."""
    def run(main, *arguments):
        if main is train_main:
            arguments = [*arguments, *(() if '--cfg-options' in arguments else ['--cfg-options']),
                         f'experiment_name={unique_name()}']
        status = run_cli(lambda: main([str(argument) for argument in arguments]), resumable=True)
        return SimpleNamespace(status=status, err=capfd.readouterr().err)
    return run


@pytest.fixture(scope='session')
def finished(tmp_path_factory, raw):
    """Stages I, II and III of the demo's configs, through the command line."""
    folder = tmp_path_factory.mktemp('finished')
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        stage1 = shrink(load_config('configs/mae/mae_vit-micro-p8_synthfer-48px.py'),
                        folder / 'stage1', raw)
        train(stage1)
        cfg = shrink(load_config('configs/ssfer/synthfer_5pct_vit-micro.py'),
                     folder / 'run', raw, pretrained='absent.pth')
        config = write(cfg, folder / 'demo.py')
        checkpoint = folder / 'stage1' / 'epoch_1.pth'
        train_main([config, '--cfg-options', f'model.pretrained={checkpoint}',
                    f'experiment_name={unique_name()}'])
    return SimpleNamespace(config=config, run=folder / 'run', stage1=checkpoint)
