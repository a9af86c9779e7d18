"""What to do when images cannot be read: say which, count them, and stop at too many."""
import logging

from mmengine.logging import print_log

from ssfer_mm.errors import UnreadableImage, UserError

LEAST_READ = 100  # images before the share of unreadable ones says anything


class UnreadableTally:
    """Counts of one process, and the decision to go on.

    Args:
        dataset: Name of the dataset, for messages.
        where: Where its images lie, for messages.
        on_unreadable: ``'skip'`` or ``'error'``.
        max_unreadable: Share of the images read, in [0, 1], past which ``'skip'`` stops too, once
            a hundred are read.

    Attributes:
        names: The images that could not be read.

    Raises:
        UserError: Arguments out of range.
    """

    def __init__(self, dataset: str, where: object, on_unreadable: str,
                 max_unreadable: float) -> None:
        if on_unreadable not in ('skip', 'error'):
            raise UserError(f"on_unreadable is {on_unreadable!r}, expected 'skip' or 'error'.")
        if not 0 <= max_unreadable <= 1:
            raise UserError(f'max_unreadable is {max_unreadable!r}, expected a share in [0, 1].')
        self.dataset, self.where = dataset, where
        self.on_unreadable, self.max_unreadable = on_unreadable, max_unreadable
        self.names: set[str] = set()
        self.read = self.failed = 0

    def skip(self, name: str, error: UnreadableImage) -> None:
        """Warn once per image.

        Raises:
            UnreadableImage: Nothing is to be skipped.
            UserError: There are too many of them.
        """
        if self.on_unreadable == 'error':
            raise error
        self.failed += 1
        if self.read >= LEAST_READ and self.failed > self.max_unreadable * self.read:
            raise UserError(
                f'{self.dataset}: {self.failed} of {self.read} images read from '
                f'{self.where!r} are unreadable, more than max_unreadable='
                f'{self.max_unreadable}; the last: {error}. Repair the data, or raise '
                'max_unreadable in the dataset config.') from None
        if name in self.names:
            return
        self.names.add(name)
        print_log(f'{self.dataset}: skipping the unreadable image {name!r}, using the next one '
                  f'({len(self.names)} skipped so far)', logger='current', level=logging.WARNING)
