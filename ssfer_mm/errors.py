"""The exceptions that mean: the input is wrong, and here is what to do."""
from typing import Optional, Union


class UserError(ValueError):
    """A problem the user can fix.

    The message is one line that says what was found, what was expected and what to do next.
    Command-line tools print it without a traceback and exit with status 2.
    """


class UnreadableImage(UserError):
    """An image file that is missing, damaged, or too large to be decoded; the message names it."""


def one_line(error: Union[BaseException, str], limit: Optional[int] = None) -> str:
    """What an exception says, for a sentence around it.

    Args:
        error: Any exception, or its text.
        limit: At most so many characters; a library may quote a whole file.

    Returns:
        Its text without line breaks, or the name of its type if it says nothing.
    """
    # The text of a KeyError is its key in quotes.
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return ' '.join(str(text).split())[:limit] or type(error).__name__
