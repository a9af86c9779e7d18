"""What ``tools/train.py`` says to a user's mistake: one line, exit status 2, nothing lost."""
import json
import shutil
import subprocess
import sys

import pytest
from mmengine.config import Config
from mmpretrain.registry import DATASETS

from ssfer_mm.apis import load_config, train_main
from ssfer_mm.datasets import draw_split, save_split
from support import layouts
from support.outcome import error_line
from support.shrink import REPO, shrink, write

DATA = 'train_dataloader.dataset'


@pytest.fixture(scope='module')
def config(tmp_path_factory, raw):
    """A shrunken RAF-DB config; nothing in these tests gets as far as training for long."""
    folder = tmp_path_factory.mktemp('bad')
    cfg = shrink(load_config(REPO / 'configs/ssfer/rafdb_25pct.py'), folder / 'run', raw)
    return write(cfg, folder / 'bad.py')


@pytest.fixture()
def complain(cli, config, tmp_path):
    """Train with some options -> the one line that is printed."""
    def run(*options, arguments=()):
        work_dir = () if '--work-dir' in arguments else ('--work-dir', tmp_path / 'run')
        settings = ('--cfg-options', *options) if options else ()
        report = cli(train_main, config, *work_dir, *arguments, *settings)
        assert report.status == 2, report.err
        return error_line(report.err)
    return run


@pytest.fixture()
def own(raw, tmp_path):
    """A copy of RAF-DB that a test may damage."""
    return shutil.copytree(raw['data/rafdb'], tmp_path / 'rafdb')


def dataset(root, kind='RAFDB'):
    return DATASETS.build(dict(type=kind, data_root=str(root), subset='train'))


def split_of(data, path, **options):
    split = draw_split(data.name, data.metainfo['classes'], data.ids(), data.labels(),
                       **{'fraction': 0.25, **options})
    save_split(split, str(path))
    return split


def test_missing_root(complain, tmp_path):
    line = complain(f'{DATA}.dataset.data_root={tmp_path}/nowhere')
    assert f"'{tmp_path}/nowhere' does not exist" in line and 'set data_root' in line


def test_wrong_layout(complain, tmp_path):
    (tmp_path / 'photos' / 'holiday').mkdir(parents=True)
    line = complain(f'{DATA}.dataset.data_root={tmp_path}/photos')
    assert 'holds holiday/' in line and 'expected EmoLabel/list_patition_label.txt' in line


@pytest.mark.parametrize('workers', [0, 1])
def test_unreadable_labeled_image_is_named(workers, complain, own, tmp_path):
    data = dataset(own)
    split = split_of(data, tmp_path / 'split.json')
    victim = own / 'Image' / 'aligned' / split.labeled[0].split('/')[1]
    victim.write_bytes(victim.read_bytes()[:40])
    line = complain(f'{DATA}.dataset.data_root={own}', f'train_dataloader.num_workers={workers}',
                    'train_cfg.supervised.epochs=2')
    assert str(victim) in line and 'damaged' in line


def test_unreadable_test_image_is_named(complain, own):
    victim = own / 'Image' / 'aligned' / 'test_0003_aligned.jpg'
    victim.write_bytes(b'')
    assert str(victim) in complain(f'val_dataloader.dataset.data_root={own}')


def test_class_without_images(complain, tmp_path):
    counts = dict.fromkeys(layouts.ex.RAFDB7, 2) | dict(fear=0)
    layouts.make_rafdb(tmp_path / 'lacking', train=counts, test=1)
    line = complain(f'{DATA}.dataset.data_root={tmp_path}/lacking')
    assert "'fear' has no image" in line and 'without labels' in line


@pytest.mark.parametrize('fraction', ['0', '1.5', '25', 'a'])
def test_impossible_fraction(fraction, complain):
    line = complain(f'{DATA}.split.fraction={fraction}')
    assert fraction in line and '(0, 1]' in line


def test_more_labels_per_class_than_images(complain):
    line = complain(f'{DATA}.split.fraction=None', f'{DATA}.split.per_class=5')
    assert 'per_class is 5' in line and '2 images' in line


def test_labeled_ids_that_are_not_in_the_data(complain, own, tmp_path):
    split = split_of(dataset(own), tmp_path / 'split.json')
    name = split.labeled[0].split('/')[1]
    (own / 'Image' / 'aligned' / name).unlink()
    table = own / 'EmoLabel' / 'list_patition_label.txt'
    stem = name.replace('_aligned', '')
    table.write_text(''.join(row for row in table.read_text().splitlines(True)
                             if not row.startswith(stem)))
    line = complain(f'{DATA}.dataset.data_root={own}', f'{DATA}.split={tmp_path}/split.json')
    assert split.labeled[0] in line and 'not in the data' in line and 'make_split.py' in line


def test_split_of_another_dataset(complain, raw, tmp_path):
    split_of(dataset(raw['data/ferplus'], 'FERPlus'), tmp_path / 'split.json')
    line = complain(f'{DATA}.split={tmp_path}/split.json')
    assert 'made for FERPlus, the data is RAFDB' in line


def test_split_of_other_images(complain, raw, own, tmp_path):
    split_of(dataset(raw['data/rafdb']), tmp_path / 'split.json')
    table = own / 'EmoLabel' / 'list_patition_label.txt'
    rows = table.read_text().splitlines(True)
    rows[0], rows[1] = (rows[0][:-2] + rows[1][-2:], rows[1][:-2] + rows[0][-2:])
    table.write_text(''.join(rows))
    line = complain(f'{DATA}.dataset.data_root={own}', f'{DATA}.split={tmp_path}/split.json')
    assert 'made for other data' in line


@pytest.mark.parametrize('text', [None, '{"format"', '{}'])
def test_split_file_that_is_none(text, complain, tmp_path):
    if text is not None:
        (tmp_path / 'split.json').write_text(text)
    line = complain(f'{DATA}.split={tmp_path}/split.json')
    assert f'{tmp_path}/split.json' in line and 'make_split.py' in line


def test_box_file_for_other_images(complain, tmp_path):
    row = dict(image='cat_1.jpg', width=9, height=9, boxes=[[1, 1, 5, 5]], scores=[1.0])
    (tmp_path / 'boxes.jsonl').write_text(json.dumps(row) + '\n')
    line = complain(f'{DATA}.dataset.boxes={tmp_path}/boxes.jsonl')
    assert 'cat_1.jpg' in line and 'train_00001_aligned.jpg' in line


@pytest.mark.parametrize('option, setting', [
    ('train_dataloader.batch_size=500', 'train_dataloader.batch_size'),
    ('train_cfg.semi.labeled=500', 'train_cfg.semi.labeled'),
    ('train_cfg.semi.unlabeled=500', 'train_cfg.semi.unlabeled'),
])
def test_batch_larger_than_its_source(option, setting, complain):
    line = complain(option)
    assert '500' in line and setting in line


def test_missing_pretrained_checkpoint_says_how_to_train_it(complain, monkeypatch):
    monkeypatch.chdir(REPO)
    name = 'mae_vit-base-p16_faces-224px-600e'
    line = complain(f'model.pretrained=work_dirs/{name}/epoch_600000.pth')
    assert f'python tools/train.py configs/mae/{name}.py' in line
    assert 'model.pretrained=None' in line


def test_pretrained_checkpoint_of_another_network(complain, finished):
    line = complain(f'model.pretrained={finished.stage1}',
                    'model.classifier.backbone.patch_size=16')
    assert str(finished.stage1) in line and 'does not fit' in line


def test_unreachable_pretrained_url(complain):
    line = complain('model.pretrained=http://127.0.0.1:9/weights.pth')
    assert 'http://127.0.0.1:9/weights.pth' in line and 'model.pretrained=' in line


@pytest.mark.parametrize('option, closest', [
    (f'{DATA}.dataset.type=RAFBD', 'RAFDB'),
    ('model.type=SFER', 'SSFER'),
    ('model.pseudo_label.type=ConfidenceTreshold', 'ConfidenceThreshold'),
    ('data_preprocessor.facemix.type=Facemix', 'FaceMix'),
    ('train_cfg.type=TwoStageTrainLop', 'TwoStageTrainLoop'),
    ('custom_hooks.0.type=TwoStageFineTuneHook', 'TwoStageFinetuneHook'),
    (f'{DATA}.labeled_pipeline.0.type=LoadFaces', 'LoadFace'),
    ('val_evaluator.type=ExpressionAcuracy', 'ExpressionAccuracy'),
    ('train_cfg.semi.optim_wrapper.optimizer.type=AdamWW', 'AdamW'),
])
def test_unknown_registry_type(option, closest, complain):
    line = complain(option)
    assert repr(option.split('=')[1]) in line and closest in line


def test_head_and_data_count_other_classes(complain):
    line = complain('model.classifier.head.num_classes=5')
    assert 'head.num_classes is 5' in line and 'data_preprocessor.num_classes is 7' in line
    line = complain('model.classifier.head.num_classes=5', 'data_preprocessor.num_classes=5')
    assert '5' in line and 'num_classes' in line


def test_misspelled_setting(complain):
    assert 'closest: train_cfg.semi' in complain('train_cfg.seni.epochs=3')


@pytest.mark.parametrize('damage', ['cut', 'text', 'gone'])
def test_damaged_checkpoint_to_resume_from(damage, complain, finished, tmp_path):
    run = tmp_path / 'run'
    run.mkdir()
    path = run / 'epoch_1.pth'
    content = (finished.run / 'epoch_2.pth').read_bytes()
    if damage != 'gone':
        path.write_bytes(content[:len(content) // 2] if damage == 'cut' else b'hello')
    (run / 'last_checkpoint').write_text(str(path))
    line = complain(arguments=('--resume', ))
    assert str(path) in line and ('damaged' in line or 'not found' in line)


def test_checkpoint_of_another_model_to_resume_from(complain, finished):
    """Resuming from it would train random weights with another model's optimizer."""
    line = complain(arguments=('--resume', finished.stage1))
    assert "'ema_steps'" in line and 'without --resume' in line


def test_unknown_config_in_a_process_of_its_own(tmp_path):
    """As typed in a shell: the exit status is 2 and the only line the closest configs."""
    done = subprocess.run([sys.executable, str(REPO / 'tools' / 'train.py'),
                           'configs/ssfer/rafdb_6pct.py'], cwd=REPO, capture_output=True,
                          text=True)
    assert done.returncode == 2
    assert 'configs/ssfer/rafdb_5pct.py' in error_line(done.stderr)


def test_a_config_that_is_broken(cli, config, tmp_path):
    path = tmp_path / 'broken.py'
    path.write_text(Config.fromfile(config).pretty_text + '\nx = (\n')
    report = cli(train_main, path, '--work-dir', tmp_path / 'run')
    assert report.status == 2 and str(path) in error_line(report.err)
