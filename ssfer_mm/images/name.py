"""What an image is called, where a batch needs to know nothing else of it."""
from typing import Sequence, Tuple, Union

from mmengine.structures import BaseDataElement


class ImageName(str):
    """The id of an image, in place of a data sample.

    Attributes:
        unreadable: Names of the images that it stands in for.
    """

    unreadable: Tuple[str, ...] = ()

    @property
    def sample_id(self) -> str:
        """Itself, so that a hook reads it as it would a data sample's."""
        return str(self)


def name_of(sample: Union[BaseDataElement, str]) -> str:
    """What the image of a sample is called: its id, or else its file."""
    if isinstance(sample, str):
        return str(sample)
    return str(sample.get('sample_id', None) or sample.get('img_path', None) or '?')


def note_unreadable(sample: Union[BaseDataElement, ImageName], names: Sequence[str]) -> None:
    """Let an item say which images it stands in for; ``UnreadableHook`` reads it."""
    if isinstance(sample, ImageName):
        sample.unreadable = tuple(names)
    else:
        sample.set_field(tuple(names), 'unreadable', field_type='metainfo')
