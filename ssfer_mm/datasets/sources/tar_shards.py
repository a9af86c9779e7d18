"""Tar files of images, as WebDataset and ``tools/pack_faces.py`` write them."""
import logging
import tarfile
from collections.abc import Iterator

from mmengine.logging import print_log

from ssfer_mm.errors import UserError
from ssfer_mm.images.files import is_visible_image

from .archives import Archives
from .source import FACE_SOURCES


@FACE_SOURCES.register_module()
class TarShards(Archives):
    """Uncompressed tar files; members that are no images, such as ``.cls`` and ``.json``, are
    left out. Takes the arguments of :class:`Archives`."""

    SUFFIX = '.tar'

    def read(self, index: int) -> bytes:
        file = self.files[self._file_of(index)]
        offset, length = self._index.value('offset', index), self._index.value('length', index)
        begin = offset - tarfile.BLOCKSIZE  # where its header is
        data = self._reader.read(file, begin, length + tarfile.BLOCKSIZE, self.name(index))
        if not self.is_header(data[:tarfile.BLOCKSIZE], length):
            raise UserError(f'{file!r} has another member than {self.name(index)} at byte {begin}: '
                            f'it was packed anew since it was indexed, or damaged. Delete the '
                            f'index {self._index.path!r}, or copy the archive again.')
        return data[tarfile.BLOCKSIZE:]

    def is_header(self, block: bytes, length: int) -> bool:
        """Whether a block is the header of a member of so many bytes."""
        try:
            return tarfile.nti(block[124:136]) == length
        except tarfile.HeaderError:
            return False

    def members(self, file: str) -> Iterator[tuple[str, tuple[int, int]]]:
        try:
            links = 0
            with tarfile.open(file, 'r:') as archive:
                while (member := archive.next()) is not None:
                    image = is_visible_image(member.name)
                    if image and member.isreg():
                        yield member.name, (member.offset_data, member.size)
                    links += image and (member.islnk() or member.issym())
                    archive.members.clear()  # tarfile keeps every one otherwise
                _check_end(archive)
            if links:
                print_log(f'{file} holds {links} links to images, which are left out; pack with '
                          'tar --dereference --hard-dereference to have them', logger='current',
                          level=logging.WARNING)
        except (tarfile.TarError, OSError, ValueError) as error:
            raise UserError(f'{file!r} cannot be read as a plain tar file ({error}): decompress '
                            'it if it is compressed, else copy it again.') from error


def _check_end(archive: tarfile.TarFile) -> None:
    """After the last member come zeros and nothing else; ``tarfile`` takes a damaged header, and
    the end of a file that was cut off, for the end of the archive.

    Raises:
        tarfile.ReadError: Something else comes, or nothing.
    """
    archive.fileobj.seek(archive.offset)
    zeros = 0
    while chunk := archive.fileobj.read(1 << 20):
        if chunk.strip(b'\0'):
            raise tarfile.ReadError(f'damaged at byte {archive.offset + zeros}, or several '
                                    'archives in one')
        zeros += len(chunk)
    if zeros < tarfile.BLOCKSIZE:
        raise tarfile.ReadError(f'cut off at byte {archive.offset}')
