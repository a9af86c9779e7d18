"""The exceptions that mean: the input is wrong, and here is what to do."""


class UserError(ValueError):
    """A problem the user can fix.

    The message is one line that says what was found, what was expected and what to do next.
    Command-line tools print it without a traceback and exit with status 2.
    """


class UnreadableImage(UserError):
    """An image file that is missing, damaged, or too large to be decoded; the message names it."""
