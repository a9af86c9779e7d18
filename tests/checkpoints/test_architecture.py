"""A ViT that is built from what its weights say takes them."""
import pytest
from mmpretrain.registry import MODELS

from ssfer_mm.checkpoints.architecture import infer_model
from support.models import mae, vit


def wide():
    cfg = mae()
    cfg['neck'].update(decoder_embed_dim=64, mlp_ratio=2)
    return cfg


@pytest.mark.parametrize('model', [
    vit(), vit(in_channels=1), vit(qkv_bias=False), vit(final_norm=False), wide()], ids=str)
def test_the_inferred_model_has_the_same_weights(model):
    state = MODELS.build(model).state_dict()
    again = MODELS.build(infer_model(state, num_heads=2)).state_dict()
    assert {k: v.shape for k, v in again.items()} == {k: v.shape for k, v in state.items()}
