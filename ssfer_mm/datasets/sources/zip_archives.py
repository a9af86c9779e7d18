"""Zip files of images."""
import zipfile
import zlib
from collections.abc import Iterator

from ssfer_mm.errors import UnreadableImage, UserError
from ssfer_mm.images.decode import MAX_BYTES
from ssfer_mm.images.files import is_visible_image

from .archives import Archives
from .source import FACE_SOURCES

LOCAL_HEADER, SIGNATURE = 30, b'PK\x03\x04'
ENCRYPTED = 1


@FACE_SOURCES.register_module()
class ZipArchives(Archives):
    """Zip files, stored or deflated; every read is checked against the member's CRC-32.

    Takes the arguments of :class:`Archives`. Python's ``zipfile`` holds the directory of one
    archive in memory while it is indexed, about 1 kB per image.
    """

    SUFFIX = '.zip'
    NUMBERS = ('offset', 'length', 'method', 'crc')

    def read(self, index: int) -> bytes:
        file, name = self.files[self._file_of(index)], self.name(index)
        place, length, method, crc = (self._index.value(column, index) for column in self.NUMBERS)
        header = self._reader.read(file, place, LOCAL_HEADER, name)
        # The local header has a name and an extra field of its own lengths.
        place += LOCAL_HEADER + sum(int.from_bytes(header[i:i + 2], 'little') for i in (26, 28))
        data = self._reader.read(file, place, length, name)
        try:
            if method == zipfile.ZIP_DEFLATED:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, MAX_BYTES)
        except zlib.error:
            data = b''
        if not header.startswith(SIGNATURE) or zlib.crc32(data) != crc:
            raise UnreadableImage(f'{name} in {file!r} does not match its checksum: it is '
                                  'damaged; copy the archive again')
        return data

    def members(self, file: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        try:
            with zipfile.ZipFile(file) as archive:
                found = sorted((info for info in archive.infolist()
                                if not info.is_dir() and is_visible_image(info.filename)),
                               key=lambda info: info.header_offset)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise UserError(f'{file!r} cannot be read as a zip file ({error}): copy it again.'
                            ) from error
        for info in found:
            if info.flag_bits & ENCRYPTED or info.compress_type not in (
                    zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UserError(f'{info.filename!r} in {file!r} is encrypted, or neither stored '
                                'nor deflated: pack the images again with zip -0.')
            yield info.filename, (info.header_offset, info.compress_size, info.compress_type,
                                  info.CRC)
