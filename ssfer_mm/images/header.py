"""What the first bytes of an image file say, without decoding it."""
import contextlib
import io
import threading
from collections.abc import Iterator

from ssfer_mm.images.exif import EXIF_ORIENTATION
from ssfer_mm.images.jpeg_header import SCAN, Header, jpeg_header, segments

PNG, JPEG = b'\x89PNG\r\n\x1a\n', b'\xff\xd8\xff'
END = b'\xff\xd9'  # of a JPEG
PNG_END = b'IEND'
_LIMIT = threading.Lock()


def stored_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in the header of an image, None where nobody can tell.

    JPEG and PNG, which training reads by the million, take microseconds; others go to Pillow.
    """
    if data.startswith(PNG) and len(data) >= 24:
        return int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')
    if data.startswith(JPEG):
        header = jpeg_header(data)
    else:
        header = read_header(data)
    return header and header[:2]


def read_header(data: bytes) -> Header | None:
    """What Pillow reads from the header, None if it knows no such file or is not installed."""
    try:
        # Where nothing but opencv is installed, images are decoded whole.
        from PIL import Image
    except ImportError:
        return None
    try:
        with any_size(), Image.open(io.BytesIO(data)) as image:
            return Header(*image.size, image.getexif().get(EXIF_ORIENTATION, 1) >= 5)
    except Exception:  # a damaged header makes Pillow raise almost anything
        return None


def is_cut_off(data: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end, which some decoders replace by grey without a word.

    What follows the end does not count: phones append a film or a second picture.
    """
    if data.startswith(PNG):
        return data.rfind(PNG_END) < 0
    if not data.startswith(JPEG):
        return False
    scan = next((place for marker, place in segments(data) if marker == SCAN), -1)
    # Inside a scan the marker of the end cannot occur: its bytes 0xFF are escaped.
    return scan < 0 or data.find(END, scan) < 0


@contextlib.contextmanager
def any_size() -> Iterator[None]:
    """Pillow refuses huge images even to those who only ask for their size.

    Its limit is one of the whole program, and images are read in several threads: one after the
    other lifts it, or the last to end would put back what another had lifted. Its warnings are
    left alone: to silence them would silence the program's, too.
    """
    from PIL import Image

    with _LIMIT:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
