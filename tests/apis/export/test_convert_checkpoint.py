"""The converting command line, the described file, its stock config and its model card."""
import json
from dataclasses import replace

import pytest
import torch
from mmengine.config import Config
from mmpretrain import get_model
from mmpretrain.registry import MODELS

from ssfer_mm.apis.export.convert_checkpoint import main
from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.splits import load_split, save_split
from ssfer_mm.model_files.described import describe
from support.models import MEAN, STD, preprocessor, ssfer, vit

CLASSES = ('neutral', 'happiness', 'fear')
STAGES = dict(
    supervised=dict(epochs=2, iterations=20, seconds=3.2, metrics={'accuracy': 51.25}),
    semi=dict(epochs=1, iterations=9, seconds=4.4,
              metrics={'accuracy': 61.5, 'recall/neutral': 90.0, 'recall/fear': 12.5}))


@pytest.fixture
def run(tmp_path):
    """What a training leaves: two checkpoints, its config, its split, its figures."""
    folder = tmp_path / 'rafdb_tiny'
    folder.mkdir()
    model = MODELS.build(ssfer())
    model.init_weights()
    for parameter in model.teacher.parameters():
        parameter.data += torch.randn_like(parameter)
    data = dict(type='RAFDB', subset='train')
    config = Config(dict(
        model=ssfer(pretrained='stage1/epoch_9.pth'), data_preprocessor=preprocessor(),
        train_dataloader=dict(dataset=dict(type='SemiSupervisedDataset', dataset=data)),
        val_dataloader=dict(dataset=dict(type='RAFDB', subset='test'))))
    config.dump(folder / 'rafdb_tiny.py')
    for epoch in (2, 3):
        meta = dict(epoch=epoch, iter=7, seed=4, cfg=config.pretty_text,
                    dataset_meta=dict(classes=CLASSES))
        torch.save(dict(state_dict=model.state_dict(), meta=meta, optimizer={}),
                   folder / f'epoch_{epoch}.pth')
    (folder / 'stages.json').write_text(json.dumps(STAGES))
    save_split(draw_split('RAF-DB', CLASSES, [f'{i}.jpg' for i in range(30)], [0, 1, 2] * 10,
                          fraction=0.2, seed=4), str(folder / 'split.json'))
    return folder, model


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_a_training_checkpoint_becomes_a_described_classifier(run, suffix, tmp_path, capsys):
    folder, model = run
    target = tmp_path / f'out{suffix}'
    assert main([str(folder / 'epoch_3.pth'), str(target)]) == 0
    output = capsys.readouterr().out
    assert 'every one accounted for' in output and 'neutral, happiness, fear' in output
    described = describe(target)
    expected = model.teacher.state_dict()
    assert set(described.state) == set(expected)
    assert all(torch.equal(described.state[name], value) for name, value in expected.items())
    assert (described.classes, described.input_size) == (CLASSES, (16, 16))
    assert list(described.mean) == MEAN and list(described.std) == STD
    training = described.training
    assert (training['stage'], training['epoch'], training['run']) == ('semi', 3, 'rafdb_tiny')
    assert training['metrics'] == STAGES['semi']['metrics']
    assert training['split']['labeled'] == 6 and training['split']['seed'] == 4
    assert training['test_data'] == dict(type='RAFDB', subset='test')


def test_stock_mmpretrain_takes_both_files(run, tmp_path):
    folder, model = run
    for suffix in ('.pth', '.safetensors'):
        assert main([str(folder / 'epoch_3.pth'), str(tmp_path / f'x{suffix}'), '--force']) == 0
        stock = get_model(str(tmp_path / 'x.py'), pretrained=str(tmp_path / f'x{suffix}'))
        for name, value in model.teacher.state_dict().items():
            assert torch.equal(stock.state_dict()[name], value), name


def test_stock_mmpretrain_takes_the_config_where_it_reads_no_names_in_the_weights(run, tmp_path):
    """Without this package loaded, it finds none in safetensors, as here without weights."""
    folder, _ = run
    assert main([str(folder / 'epoch_3.pth'), str(tmp_path / 'x.safetensors')]) == 0
    stock = get_model(str(tmp_path / 'x.py'), pretrained=False)
    assert stock._config.test_dataloader.dataset.metainfo.classes == list(CLASSES)


def test_card_tells_what_is_known_and_what_is_not(run, tmp_path):
    folder, _ = run
    assert main([str(folder / 'epoch_3.pth'), str(tmp_path / 'out.pth')]) == 0
    card = (tmp_path / 'out.pth.md').read_text()
    for fact in ('61.50', '| recall, fear | 12.50 |', 'RAFDB (subset train)', 'Stage: semi',
                 '6 of 30 images (20 % of each class), seed 4', 'non-commercial research only',
                 'less than half of: fear (12 %)', 'stage1/epoch_9.pth',
                 'Finished: unknown (not recorded)', 'not for decisions about people'):
        assert fact.lower() in card.lower(), fact
    assert '51.25' not in card, 'figures of the other stage'


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_no_path_of_this_machine_leaves_it(run, suffix, tmp_path):
    folder, model = run
    private = '/home/anna/private/mae.pth'
    classifier = vit(init_cfg=dict(type='Pretrained', checkpoint=private))
    config = Config(dict(model=ssfer(classifier, pretrained=private),
                         data_preprocessor=preprocessor()))
    meta = dict(epoch=3, cfg=config.pretty_text, dataset_meta=dict(classes=CLASSES))
    (tmp_path / 'anna').mkdir()
    (folder / 'anna').mkdir()
    torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / 'anna' / 'epoch_3.pth')
    target = folder / 'anna' / f'out{suffix}'
    assert main([str(tmp_path / 'anna' / 'epoch_3.pth'), str(target)]) == 0
    assert 'Started from: mae.pth' in target.with_name(f'{target.name}.md').read_text()
    for file in target.parent.iterdir():
        assert b'anna' not in file.read_bytes(), file


@pytest.mark.parametrize('size, words', [
    (dict(fraction=None), '6 of 30 images (listed); the labels'),
    (dict(fraction=None, per_class=3), '(3 images per class), seed 4; the labels')])
def test_card_tells_how_the_labeled_part_was_chosen(run, tmp_path, size, words):
    folder, _ = run
    path = str(folder / 'split.json')
    save_split(replace(load_split(path), **size), path)
    assert main([str(folder / 'epoch_3.pth'), str(tmp_path / 'out.pth')]) == 0
    assert words in (tmp_path / 'out.pth.md').read_text()


def test_figures_of_another_epoch_are_not_claimed(run, tmp_path):
    folder, _ = run
    stages = dict(STAGES, semi=dict(STAGES['semi'], epochs=5))
    (folder / 'stages.json').write_text(json.dumps(stages))
    assert main([str(folder / 'epoch_3.pth'), str(tmp_path / 'out.pth')]) == 0
    card = (tmp_path / 'out.pth.md').read_text()
    assert 'No figures are recorded' in card and '61.5' not in card and 'Stage: unknown' in card


def test_card_of_weights_that_say_nothing(tmp_path, capsys):
    model = MODELS.build(vit())
    torch.save(model.state_dict(), tmp_path / 'bare.pth')
    arguments = [str(tmp_path / 'bare.pth'), str(tmp_path / 'out.safetensors'), '--num-heads', '2']
    assert main(arguments) == 0
    assert 'no model card' in capsys.readouterr().out
    assert not (tmp_path / 'out.safetensors.md').exists()
    assert main([*arguments, '--card', '--force']) == 0
    card = (tmp_path / 'out.safetensors.md').read_text()
    assert card.count('nknown (not recorded)') >= 6 and 'None' not in card


def test_an_exported_classifier_finds_its_config_beside_it(run, tmp_path):
    folder, model = run
    torch.save(dict(state_dict=model.teacher.state_dict(),
                    meta=dict(epoch=2, stage='supervised', dataset_meta=dict(classes=CLASSES))),
               folder / 'classifier_supervised.pth')
    classifier = vit()
    classifier['data_preprocessor'] = dict(type='ClsDataPreprocessor', mean=MEAN, std=STD,
                                           num_classes=3)
    Config(dict(model=classifier)).dump(folder / 'classifier.py')
    described = describe(folder / 'classifier_supervised.pth')
    # 16 channels have two heads: that stands in no weight, only in the config.
    assert described.model['backbone']['arch']['num_heads'] == 2
    assert described.training['metrics'] == {'accuracy': 51.25}


def test_the_config_inside_a_checkpoint_is_never_run(run, tmp_path, capsys):
    folder, model = run
    flag = tmp_path / 'ran'
    code = f'model = __import__("pathlib").Path({str(flag)!r}).touch()'
    torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=1, cfg=code)),
               tmp_path / 'evil.pth')
    assert main([str(tmp_path / 'evil.pth'), str(tmp_path / 'out.pth')]) == 2
    assert 'would have to be run' in capsys.readouterr().err and not flag.exists()


def test_existing_files_and_wrong_endings(run, tmp_path, capsys):
    source = str(run[0] / 'epoch_3.pth')
    assert main([source, str(tmp_path / 'out.bin')]) == 2
    assert 'ends in .pth or .safetensors' in capsys.readouterr().err
    assert main([source, str(tmp_path / 'out.pth')]) == 0
    capsys.readouterr()
    assert main([source, str(tmp_path / 'out.pth')]) == 2
    assert '--force' in capsys.readouterr().err


def test_a_card_and_a_config_are_not_replaced_unasked(run, tmp_path, capsys):
    source, target = str(run[0] / 'epoch_3.pth'), tmp_path / 'out.pth'
    for own in (tmp_path / 'out.pth.md', tmp_path / 'out.py'):
        own.write_text('written by hand')
        assert main([source, str(target)]) == 2
        assert f'{own} exists' in capsys.readouterr().err and not target.exists()
        assert own.read_text() == 'written by hand'
        own.rename(tmp_path / 'kept')
    (tmp_path / 'kept').rename(tmp_path / 'out.pth.md')
    assert main([source, str(target), '--no-card']) == 0, 'no card, nothing to replace'
    assert main([source, str(target), '--force']) == 0
    assert 'Training data' in (tmp_path / 'out.pth.md').read_text()


def test_what_is_not_written_is_not_in_the_way(run, tmp_path, capsys):
    """Under timm's names there is no config for mmpretrain."""
    (tmp_path / 'out.py').write_text('of something else')
    assert main([str(run[0] / 'epoch_3.pth'), str(tmp_path / 'out.pth'), '--to', 'timm']) == 0
    assert (tmp_path / 'out.py').read_text() == 'of something else'


@pytest.mark.parametrize('wrong', ['--img-size 0', '--num-heads 0', '--std 0.0 1.0 1.0',
                                   '--mean nan 0.0 0.0'])
def test_numbers_that_cannot_be(wrong, tmp_path, capsys):
    """Nothing is divided by a deviation of 0, and a size of 0 is not taken for none."""
    torch.save(MODELS.build(vit()).state_dict(), tmp_path / 'bare.pth')
    assert main([str(tmp_path / 'bare.pth'), str(tmp_path / 'out.pth'), *wrong.split()]) == 2
    assert f'error: {wrong}: expected' in capsys.readouterr().err
    assert not (tmp_path / 'out.pth').exists()
