"""Pictures that differ as photographs do: random blobs with fine structure."""
import cv2
import numpy as np


def photo(seed: int, size: int = 96) -> np.ndarray:
    """A picture of its own for every seed, uint8 (size, size, 3)."""
    noise = np.random.default_rng(seed)
    # As in photographs, the finer the fainter.
    image = sum(cv2.resize(noise.normal(0, 160. / cells, (cells, cells, 3)).astype(np.float32),
                           (size, size), interpolation=cv2.INTER_CUBIC)
                for cells in (4, 8, 16, 32))
    return np.clip(image + 128, 0, 255).astype(np.uint8)


def recropped(image: np.ndarray, left: int = 3, top: int = 2) -> np.ndarray:
    """The same photo cut out a little differently, brighter, and saved as JPEG."""
    size = image.shape[0]
    cut = cv2.resize(image[top:, left:], (size, size), interpolation=cv2.INTER_CUBIC)
    brighter = np.clip(cut * 0.9 + 25, 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode('.jpg', brighter, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], 1)
