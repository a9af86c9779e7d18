"""One line of a box file: text to record, record to text. See :mod:`ssfer_mm.faces.box_file`."""
import json
from dataclasses import dataclass
from typing import List, Optional, Tuple


@dataclass(frozen=True)
class FaceRecord:
    """The faces found in one image.

    Attributes:
        image: Id of the image.
        boxes: Tuples (x1, y1, x2, y2) in raw-image pixels; they may reach past the image.
        scores: One confidence per box, or empty if the detector gave none.
        width: Width of the raw image in pixels, None if unknown.
        height: Height of the raw image in pixels, None if unknown.
        detector: Name of what found the boxes.
        file_size: Bytes of the image file, None if unknown: tells images of one name apart.
    """
    image: str
    boxes: Tuple[Tuple[float, float, float, float], ...] = ()
    scores: Tuple[float, ...] = ()
    width: Optional[int] = None
    height: Optional[int] = None
    detector: str = ''
    file_size: Optional[int] = None


def parse_line(line: str) -> FaceRecord:
    """Read and check one line.

    Raises:
        ValueError: What is wrong with it, in a few words.

    Example:
        >>> parse_line('{"image": "a.png", "boxes": [[1, 2, 3, 4, 0.9]]}').scores
        (0.9,)
    """
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f'not JSON, or cut off ({error.msg} at column {error.colno})') from None
    if not isinstance(data, dict):
        raise ValueError(f'found a JSON {type(data).__name__} instead of an object')
    image = data.get('image')
    if not isinstance(image, str) or not image:
        raise ValueError('"image" is missing or no text')
    rows = data.get('boxes')
    if not isinstance(rows, list):
        raise ValueError('"boxes" is missing or no list')
    boxes = [_box(row) for row in rows]
    detector = data.get('detector') or ''
    if not isinstance(detector, str):
        raise ValueError('"detector" is not text')
    return FaceRecord(
        image=image,
        boxes=tuple(box[:4] for box in boxes),
        scores=_scores(data.get('scores'), boxes),
        width=_whole(data, 'width', 'w'),
        height=_whole(data, 'height', 'h'),
        detector=detector,
        file_size=_whole(data, 'file_size', limit=2**53))


def format_line(record: FaceRecord) -> str:
    """The JSON text of a record, without a newline.

    Example:
        >>> format_line(FaceRecord('a.png', ((1, 2, 3, 4),), width=48, height=48))
        '{"image": "a.png", "width": 48, "height": 48, "boxes": [[1.0, 2.0, 3.0, 4.0]]}'
    """
    data = dict(image=record.image)
    if record.width is not None:
        data['width'] = record.width
    if record.height is not None:
        data['height'] = record.height
    data['boxes'] = [[float(value) for value in box] for box in record.boxes]
    if record.scores:
        data['scores'] = [float(score) for score in record.scores]
    if record.detector:
        data['detector'] = record.detector
    if record.file_size is not None:
        data['file_size'] = record.file_size
    # Escapes keep file names that are no valid UTF-8 writable.
    return json.dumps(data, ensure_ascii=True)


def _box(row: object) -> Tuple[float, ...]:
    if not isinstance(row, list) or len(row) not in (4, 5):
        raise ValueError(f'box {_short(row)} is not [x1, y1, x2, y2] or [x1, y1, x2, y2, score]')
    box = tuple(_number(value) for value in row)
    if not (box[2] > box[0] and box[3] > box[1]):
        raise ValueError(f'box {_short(row)} is empty: x2 must exceed x1, and y2 exceed y1')
    return box


def _scores(scores: object, boxes: List[Tuple[float, ...]]) -> Tuple[float, ...]:
    if scores is None:
        inside = tuple(box[4] for box in boxes if len(box) == 5)
        if len(inside) not in (0, len(boxes)):
            raise ValueError('some boxes have a score and some have none')
        return inside
    if not isinstance(scores, list) or scores and len(scores) != len(boxes):
        raise ValueError(f'"scores" {_short(scores)} is not a list of {len(boxes)}, one per box')
    return tuple(_number(value) for value in scores)


def _whole(data: dict, name: str, short: str = '', limit: float = 1e6) -> Optional[int]:
    value = data.get(name, data.get(short))
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (
            1 <= value < limit and value == int(value)):
        raise ValueError(f'"{name}" is {_short(value)}, not a positive whole number')
    return int(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f'{_short(value)} is not a number')
    # NaN fails this test too. float32 tells neighboring pixels apart up to here, and more.
    if not abs(value) < 1e6:
        raise ValueError(f'{_short(value)} is not a finite number below a million')
    return float(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + '...'
