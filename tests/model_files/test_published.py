"""Paths of the machine that a model was made on do not leave it."""
import pytest

from ssfer_mm.model_files.published import published_command, published_model, published_path


@pytest.mark.parametrize('path, said', [
    ('/home/anna/weights/mae.pth', 'mae.pth'),
    ('~/weights/mae.pth', 'mae.pth'),
    ('../anna/mae.pth', 'mae.pth'),
    ('work_dirs/../../anna/mae.pth', 'mae.pth'),
    ('file:///home/anna/mae.pth', 'mae.pth'),
    (r'C:\Users\anna\mae.pth', 'mae.pth'),
    ('C:/Users/anna/mae.pth', 'mae.pth'),
    (r'\\server\anna\mae.pth', 'mae.pth'),
    ('work_dirs/mae/epoch_9.pth', 'work_dirs/mae/epoch_9.pth'),
    ('torchvision://resnet50', 'torchvision://resnet50'),
    ('https://example.org/a/mae.pth', 'https://example.org/a/mae.pth')])
def test_only_what_others_may_know_is_said_of_a_path(path, said):
    assert published_path(path) == said
    assert published_command(f'python x.py --a {path} "b={path}"') == (
        f'python x.py --a {said} "b={said}"')


def test_a_model_forgets_the_files_it_was_initialized_from():
    pretrained = dict(type='Pretrained', checkpoint='/home/anna/mae.pth')
    other = [dict(type='Constant', layer='Linear', val=0)]
    model = dict(type='ImageClassifier', pretrained='/home/anna/mae.pth', parts=[
        dict(init_cfg=pretrained, depth=18), dict(init_cfg=[*other, pretrained]),
        dict(init_cfg=other), dict(pretrained=True), dict(init_cfg=None)])
    assert published_model(model) == dict(type='ImageClassifier', parts=[
        dict(depth=18), {}, dict(init_cfg=other), dict(pretrained=True), dict(init_cfg=None)])
