"""No figure before something is drawn, and then the same picture as mmpretrain's."""
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from mmpretrain.registry import VISUALIZERS
from mmpretrain.structures import DataSample

SIZE = (40, 56, 3)


def drawn_by(kind, **options):
    visualizer = VISUALIZERS.build(dict(type=kind, name=f'{kind} {len(options)}', **options))
    image = np.random.default_rng(0).integers(0, 256, SIZE, dtype=np.uint8)
    sample = DataSample().set_gt_label(1).set_pred_score([.1, .7, .2]).set_pred_label(1)
    return visualizer.visualize_cls(image, sample, classes=['a', 'b', 'c'], resize=120)


@pytest.mark.parametrize('options', [{}, dict(fig_save_cfg=dict(frameon=True, dpi=64))])
def test_draws_what_mmpretrains_does(options):
    expected = drawn_by('UniversalVisualizer', **options)
    assert np.array_equal(drawn_by('LazyVisualizer', **options), expected)
    assert expected.std() > 10


def test_an_image_from_the_start():
    image = np.full(SIZE, 200, dtype=np.uint8)
    visualizer = VISUALIZERS.build(dict(type='LazyVisualizer', name='with image', image=image))
    assert abs(visualizer.get_image().astype(int) - 200).max() <= 1


def test_scalars_are_written_without_matplotlib(tmp_path):
    code = f"""
        import sys
        import ssfer_mm
        from mmpretrain.registry import VISUALIZERS
        for name in [name for name in sys.modules if name.startswith('matplotlib')]:
            del sys.modules[name]
        visualizer = VISUALIZERS.build(dict(
            type='LazyVisualizer', name='test', save_dir={str(tmp_path)!r},
            vis_backends=[dict(type='LocalVisBackend')]))
        visualizer.add_scalars(dict(loss=0.5), step=3)
        assert not [name for name in sys.modules if name.startswith('matplotlib')]
    """
    subprocess.run([sys.executable, '-c', textwrap.dedent(code)], check=True)
    assert '"loss": 0.5' in (tmp_path / 'vis_data' / 'scalars.json').read_text()
