"""The same few images in every kind of store; the RecordIO writer is byte by byte."""
import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np

RECORD_MAGIC = struct.pack('<I', 0xced7230a)


def jpeg(number: int, size: int = 40) -> bytes:
    """An image whose grey value is its number."""
    return cv2.imencode('.jpg', np.full((size, size, 3), number, np.uint8))[1].tobytes()


def names(count: int) -> list[str]:
    return [f'id_{number // 4:03d}/{number:04d}.jpg' for number in range(count)]


def write_folder(root: Path, images: list[bytes]) -> Path:
    for name, data in zip(names(len(images)), images):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def write_tars(root: Path, images: list[bytes], per_shard: int = 5) -> Path:
    """WebDataset's layout: a label beside every image."""
    root.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(images), per_shard):
        with tarfile.open(root / f'set-{first // per_shard:04d}.tar', 'w') as archive:
            for number in range(first, min(first + per_shard, len(images))):
                for ending, data in (('jpg', images[number]), ('cls', b'3')):
                    member = tarfile.TarInfo(f'{number:06d}.{ending}')
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
    return root


def write_zip(path: Path, images: list[bytes]) -> Path:
    with zipfile.ZipFile(path, 'w') as archive:
        for number, (name, data) in enumerate(zip(names(len(images)), images)):
            method = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            archive.writestr(name, data, method)
        archive.writestr('readme.txt', 'no image')
    return path


def write_lmdb(path: Path, images: list[bytes]) -> Path:
    import lmdb

    with lmdb.open(str(path), map_size=1 << 24) as store, store.begin(write=True) as transaction:
        for number, data in enumerate(images):
            transaction.put(f'{number:08d}'.encode(), data)
        transaction.put(b'__len__', b'8')
        transaction.put(b'length', b'8')
    return path


def pack_record(labels: list[float], key: int, data: bytes) -> bytes:
    """IRHeader and payload, as mxnet packs them."""
    if len(labels) == 1:
        return struct.pack('<IfQQ', 0, labels[0], key, 0) + data
    many = struct.pack(f'<{len(labels)}f', *labels)
    return struct.pack('<IfQQ', len(labels), 0.0, key, 0) + many + data


def frame_record(payload: bytes) -> bytes:
    """What dmlc's writer makes of one record: split wherever the magic number is at a word."""
    places = [place for place in range(0, len(payload) - 3, 4)
              if payload[place:place + 4] == RECORD_MAGIC]
    parts, begin = [], 0
    for place in places:
        parts.append(payload[begin:place])
        begin = place + 4
    parts.append(payload[begin:])
    framed = b''
    for number, part in enumerate(parts):
        if len(parts) == 1:
            flag = 0
        else:
            flag = 1 if number == 0 else 3 if number == len(parts) - 1 else 2
        framed += RECORD_MAGIC + struct.pack('<I', flag << 29 | len(part)) + part
        framed += bytes(-len(part) % 4)
    return framed


def write_rec(path: Path, images: list[bytes], header: bool = True, idx: bool = True) -> Path:
    """InsightFace's layout: record 0 says where the images end, then come the identities'."""
    records = []
    if header:
        after = len(images) + 1
        records.append((0, pack_record([float(after), float(after + 2)], 0, b'')))
        records += [(number, pack_record([0.0, 1.0], number, data))
                    for number, data in enumerate(images, start=1)]
        records += [(after + k, pack_record([1.0, 5.0], after + k, b'')) for k in range(2)]
    else:
        records += [(number, pack_record([7.0], number, data))
                    for number, data in enumerate(images)]
    whole, lines = b'', []
    for key, payload in records:
        lines.append(f'{key}\t{len(whole)}\n')
        whole += frame_record(payload)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole)
    if idx:
        # In no order, as a writer of many processes leaves it.
        path.with_suffix('.idx').write_text(''.join(lines[::-1]))
    return path


def write_all(root: Path, images: list[bytes]) -> dict[str, dict]:
    """Every kind of store, as a source's config."""
    return {
        'ImageFolder': dict(path=str(write_folder(root / 'folder', images))),
        'TarShards': dict(path=str(write_tars(root / 'tars', images))),
        'ZipArchives': dict(path=str(write_zip(root / 'faces.zip', images))),
        'RecordIO': dict(path=str(write_rec(root / 'rec' / 'train.rec', images))),
        'LMDB': dict(path=str(write_lmdb(root / 'faces.lmdb', images))),
    }


def flip(path: str | os.PathLike, data: bytes, place: int = 0) -> None:
    """Damage a piece of a file, found by its content."""
    whole = bytearray(Path(path).read_bytes())
    begin = whole.index(data) + place
    for offset in range(begin, begin + 8):
        whole[offset] ^= 0xff
    Path(path).write_bytes(bytes(whole))
