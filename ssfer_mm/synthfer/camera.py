"""What a camera and a file format do to a picture."""

import numpy as np

from .canvas import clip, color
from .draws import Draws
from .scene import Scene

_LUMA = (.299, .587, .114)


def expose(rgb: np.ndarray, scene: Scene, gain: float, draws: Draws) -> np.ndarray:
    """Light color, blur, contrast, noise, grey, compression and rounding.

    Args:
        rgb: (3, n, n) float32, about 0-1.
        scene: camera settings.
        gain: exposure.
        draws: the stream of the pixels' noise.

    Returns:
        (n, n, 3) uint8.
    """
    size = rgb.shape[-1]
    rgb = _blur(rgb * color([c * gain for c in scene.light_color]), scene.blur, size // 48)
    rgb = (rgb - np.float32(.5)) * np.float32(scene.contrast) + np.float32(.5 + scene.brightness)
    if scene.noise > 0:
        # four uniform numbers add up to nearly a normal one
        grain = draws.field(4, size, size)
        grain = grain[0] + grain[1] + grain[2] + grain[3] - np.float32(2)
        rgb = rgb + (grain * np.float32(1.7 * scene.noise))[None]
    if scene.grey:
        luma = rgb[0] * np.float32(_LUMA[0]) + rgb[1] * np.float32(_LUMA[1]) + rgb[2] * np.float32(
            _LUMA[2])
        rgb = np.repeat(luma[None], 3, 0)
    if scene.blocks > 0 and size % 8 == 0:
        rgb = _compress(rgb, scene.blocks)
    levels = clip(rgb, 0, 1) * np.float32(255)
    return np.ascontiguousarray(np.rint(levels).astype(np.uint8).transpose(1, 2, 0))


def _blur(rgb: np.ndarray, strength: float, reach: int) -> np.ndarray:
    """Smooth with (1, 2, 1) / 4 taps up to ``reach`` pixels apart, so all sizes blur alike."""
    while strength > 0:
        side, step = np.float32(.25 * min(1., strength)), max(1, reach)
        while step >= 1:
            rgb = _smooth(_smooth(rgb, 1, step, side), 2, step, side)
            step //= 2
        strength -= 1.
    return rgb


def _smooth(rgb: np.ndarray, axis: int, step: int, side: np.float32) -> np.ndarray:
    pad = [(0, 0), (0, 0), (0, 0)]
    pad[axis] = (step, step)
    wide = np.pad(rgb, pad, mode='edge')
    before, after = [slice(None)] * 3, [slice(None)] * 3
    before[axis], after[axis] = slice(0, -2 * step), slice(2 * step, None)
    middle = np.float32(1 - 2 * float(side))
    return rgb * middle + (wide[tuple(before)] + wide[tuple(after)]) * side


def _compress(rgb: np.ndarray, step: float) -> np.ndarray:
    """Quantise a three-level Haar transform of each 8 x 8 block, as coarse files do."""
    def halve(area: np.ndarray, level: int) -> np.ndarray:
        a, b = area[:, 0::2, 0::2], area[:, 0::2, 1::2]
        c, d = area[:, 1::2, 0::2], area[:, 1::2, 1::2]
        mean = (a + b + c + d) * np.float32(.25)
        details = [(a - b + c - d) * np.float32(.25), (a + b - c - d) * np.float32(.25),
                   (a - b - c + d) * np.float32(.25)]
        pitch = np.float32(step * (.5, .35, .25)[level])
        details = [np.rint(part / pitch) * pitch for part in details]
        if level < 2:
            mean = halve(mean, level + 1)
        out = np.empty_like(area)
        across, down, both = details
        upper, lower = mean + down, mean - down
        out[:, 0::2, 0::2], out[:, 0::2, 1::2] = upper + (across + both), upper - (across + both)
        out[:, 1::2, 0::2], out[:, 1::2, 1::2] = lower + (across - both), lower - (across - both)
        return out
    return halve(rgb, 0)
