"""Reading a config file, changing single settings, and what is said of a mistake in either."""
import pytest

from ssfer_mm.apis import train_main
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from support.shrink import REPO
from support.tiny_config import write_tiny_config

BASE = f"_base_ = [{str(REPO / 'configs/ssfer/ferplus_5pct_vit-micro.py')!r}]\n"


@pytest.fixture()
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_tiny_config(tmp_path)


def test_config_not_found_lists_the_closest(config):
    with pytest.raises(UserError, match=r'configs/tinny\.py not found\. Closest: configs/tiny\.py'):
        load_config('configs/tinny.py')
    with pytest.raises(UserError, match='is a folder'):
        load_config('configs')


@pytest.mark.parametrize('text, words', [
    ('a = 1\nb = (\n', ['line 2', "'(' was never closed"]),
    ('a = 1\n\nb = a + nothing\n', ['NameError', 'nothing', 'line 3']),
    ("_base_ = './tiny.py'\ntest_cfg = 1 / 0\n", ['ZeroDivisionError', 'line 2']),
    ("_base_ = './absent.py'\n", ['absent.py', 'does not exist', 'beside its original']),
    ("_base_ = './faulty.py'\n", ['NameError', 'line 2 of', 'faulty.py']),
], ids=['syntax', 'name', 'above a base', 'no such base', 'in a base'])
def test_error_in_a_config_names_its_line(config, text, words):
    config.with_name('faulty.py').write_text('a = 1\nb = nothing\n')
    broken = config.with_name('broken.py')
    broken.write_text(text)
    with pytest.raises(UserError) as caught:
        load_config(broken)
    message = str(caught.value)
    assert all(word in message for word in [*words, 'broken.py']), message
    assert '\n' not in message


@pytest.mark.parametrize('option, advice', [
    ('modle.head.num_classes', 'closest: model'),
    ('model.bakbone.drop_rate', 'closest: model.backbone'),
    ('optim_wrapper.optimizer.lrr', 'closest: optim_wrapper.optimizer.lr'),
    ('pipeline.2.type', 'pipeline is a list of 2'),
    ('pipeline.first.type', 'pipeline is a list of 2'),
    ('randomness.seed.value', 'has no setting'),
])
def test_option_that_leads_nowhere(config, option, advice):
    with pytest.raises(UserError, match=advice):
        load_config(config, {option: 1})


@pytest.mark.parametrize('option, value', [
    ('optim_wrapper.optimizer.lr', 1e-4),  # there already
    ('optim_wrapper.optimizer.weight_decay', 0.05),  # a default of the optimizer
    ('pipeline.0.type', 'LoadFace'),  # an item of a list
    ('auto_scale_lr.base_batch_size', 64),  # known to the runner, absent here
    ('optim_wrapper.paramwise_cfg.layer_decay_rate', 0.65),  # taken by the builder
])
def test_option_is_merged(config, option, value):
    node = load_config(config, {option: value})
    for key in option.split('.'):
        node = node[int(key)] if key.isdigit() else node[key]
    assert node == value


def test_an_argument_that_the_config_leaves_out_is_no_misspelling():
    """pseudo_labels_from looks like pseudo_label, which is there; but SSFER takes both."""
    name = 'configs/ssfer/synthfer_5pct_vit-micro.py'
    cfg = load_config(name, {'model.pseudo_labels_from': 'student'})
    assert cfg.model.pseudo_labels_from == 'student'
    with pytest.raises(UserError, match='closest: model.pseudo_label'):
        load_config(name, {'model.pseudo_labels_form': 'student'})


def test_a_component_replaced_by_one_that_holds_another():
    cfg = load_config('configs/ssfer/synthfer_5pct_vit-micro.py', {
        'model.pseudo_label._delete_': True, 'model.pseudo_label.type': 'DistributionAlignment',
        'model.pseudo_label.rule.type': 'FreeMatchThreshold', 'model.pseudo_label.strength': 0.5})
    assert cfg.model.pseudo_label == dict(
        type='DistributionAlignment', strength=0.5, rule=dict(type='FreeMatchThreshold'))


@pytest.mark.parametrize('option', [
    'optim_wrapper.optimizer.lr', 'train_cfg.semi.optim_wrapper.optimizer.weight_decay'])
def test_a_list_for_a_number_of_the_optimizer(option):
    name = 'configs/ssfer/synthfer_5pct_resnet-nano.py'
    with pytest.raises(UserError, match=rf'{option}: read as the list \[0, 1\], expected a number'):
        load_config(name, {option: [0, 1]})
    betas = 'optim_wrapper.optimizer.betas'
    assert load_config(name, {betas: (0.9, 0.99)}).optim_wrapper.optimizer.betas == (0.9, 0.99)


def test_settings_of_what_the_config_has_as_none():
    """README's own faces have no split, and tables of them draw some."""
    name, split = 'configs/ssfer/my-faces_resnet-nano.py', 'train_dataloader.dataset.split'
    cfg = load_config(name, {f'{split}.fraction': 0.25, f'{split}.seed': 1})
    assert cfg.train_dataloader.dataset.split == dict(fraction=0.25, seed=1)
    name, mix = 'configs/baselines/rafdb_25pct_labeled-only.py', 'data_preprocessor.facemix'
    cfg = load_config(name, {f'{mix}.alpha': 2, f'{mix}.type': 'FaceMix'})
    assert cfg.data_preprocessor.facemix == dict(type='FaceMix', alpha=2)
    with pytest.raises(UserError, match=f'the config has {mix}=None.* {mix}.type as well'):
        load_config(name, {f'{mix}.alpha': 2})


@pytest.mark.parametrize('line, words', [
    ('train_dataloder = dict(batch_size=4)', "'train_dataloder'; closest: train_dataloader"),
    ('custom_hook = []', "'custom_hook'; closest: custom_hooks"),
    ('load_form = None', "'load_form'; closest: load_from"),
])
def test_misspelled_setting_is_no_variable(line, words, tmp_path, monkeypatch):
    """mmengine would keep it as a variable that nothing reads, and train with the base's."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / 'mine.py'
    config.write_text(BASE + line + '\n')
    with pytest.raises(UserError, match=words):
        train_main([str(config)])
    assert [path.name for path in tmp_path.iterdir()] == ['mine.py'], 'no work dir of it'


def test_variables_of_ones_own_are_kept(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text(BASE + "root = 'faces'\nnum_classes = 7\ntrain_dataset = None\n")
    assert load_config(config).root == 'faces'
