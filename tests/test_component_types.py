"""What a description inside a file may ask for."""
import pytest

from ssfer_mm import UserError
from ssfer_mm.component_types import check_types


@pytest.mark.parametrize('description', [
    dict(type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18)),
    dict(neck=[dict(type='mmpretrain.GlobalAveragePooling')]),
    dict(test_cfg=dict(nms=dict(type='nms', iou_threshold=0.5))),
    dict(type='HorNet', arch=dict(dw_cfg=[dict(type='DW', kernel_size=7), dict(type='GF', h=14)])),
])
def test_components_by_name(description):
    check_types(description)


@pytest.mark.parametrize('name', [
    'os.system',                        # mmengine would import and call it
    "__import__('os').system('true')",  # mmcv evaluates the type of an nms
    'HuggingFaceClassifier',            # downloads
    None,
    'NobodyKnowsMe',
])
def test_anything_else_is_refused(name):
    with pytest.raises(UserError, match='not a component of a model'):
        check_types(dict(test_cfg=dict(nms=[dict(type=name)])))
