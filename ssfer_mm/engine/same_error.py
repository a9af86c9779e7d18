"""What goes wrong in the first of several processes, which alone writes, ends all of them."""
import contextlib
from typing import Iterator, Optional

from mmengine.dist import broadcast_object_list, get_world_size

from ssfer_mm.errors import UserError


@contextlib.contextmanager
def same_error_everywhere() -> Iterator[None]:
    """Raise the first process's UserError in all, so that none ends by losing the others.

    To be entered by all processes, which wait for each other at its end.

    Raises:
        UserError: This process's own, or else that of the first one.
    """
    own: Optional[UserError] = None
    try:
        yield
    except UserError as error:
        own = error
    first = [own]
    if get_world_size() > 1:
        broadcast_object_list(first)
    if own or first[0]:
        raise own or first[0]
