"""What to do when images cannot be read: say which, count them, and stop at too many."""
import logging

from mmengine.logging import print_log

from ssfer_mm.errors import UnreadableImage, UserError
from ssfer_mm.ranges import check_number

LEAST_READ = 100  # images before the share of unreadable ones says anything


class UnreadableTally:
    """Counts of one process, and the decision to go on.

    Args:
        dataset: Name of the dataset, for messages.
        where: Where its images lie, for messages.
        on_unreadable: ``'skip'`` or ``'error'``.
        max_unreadable: Share of the images asked for, in [0, 1], past which ``'skip'`` stops too,
            once a hundred were.

    Attributes:
        names: The images that could not be read.
        read: How many images were asked for; to be counted by the dataset.
        failed: How many of these could not be read. Those that were to take their places and are
            damaged as well are none of these: where a copy broke off, many in a row are, and the
            first of them would count the whole row.

    Raises:
        UserError: Arguments out of range.
    """

    def __init__(self, dataset: str, where: object, on_unreadable: str,
                 max_unreadable: float) -> None:
        if on_unreadable not in ('skip', 'error'):
            raise UserError(f"on_unreadable is {on_unreadable!r}, expected 'skip' or 'error'.")
        check_number(dataset, 'max_unreadable', max_unreadable, high=1)
        self.dataset, self.where = dataset, where
        self.on_unreadable, self.max_unreadable = on_unreadable, max_unreadable
        self.names: set[str] = set()
        self.read = self.failed = 0

    def skip(self, name: str, error: UnreadableImage, row: int, total: int) -> None:
        """Warn once per image.

        Args:
            name: The image.
            error: What is wrong with it.
            row: 1 for an image that was asked for; 2 if it was to take the place of that; and so
                on.
            total: How many images there are.

        Raises:
            UnreadableImage: Nothing is to be skipped.
            UserError: There are too many of them.
        """
        if self.on_unreadable == 'error':
            raise error
        self.failed += row == 1
        if self._too_many(self.failed, self.read) or self._too_many(row, total):
            found = (f'{self.failed} of {self.read} images read' if row == 1 else
                     f'{row} images in a row, of {total},')
            raise UserError(
                f'{self.dataset}: {found} from {self.where!r} are unreadable, more than '
                f'max_unreadable={self.max_unreadable}; the last: {error}. Repair the data, or '
                'raise max_unreadable in the dataset config.') from None
        if name in self.names:
            return
        self.names.add(name)
        print_log(f'{self.dataset}: skipping the unreadable image {name!r}, using the next one '
                  f'({len(self.names)} skipped so far)', logger='current', level=logging.WARNING)

    def _too_many(self, failed: int, read: int) -> bool:
        return read >= LEAST_READ and failed > self.max_unreadable * read
