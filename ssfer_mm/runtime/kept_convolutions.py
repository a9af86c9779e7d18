"""How many prepared convolutions oneDNN keeps."""
import os

# The name of today and the one before it.
USERS_CHOICE = ('ONEDNN_PRIMITIVE_CACHE_CAPACITY', 'DNNL_PRIMITIVE_CACHE_CAPACITY')
# A step of ResNet-50, with the teacher's pass, prepares 153.
ENOUGH = 256


def keep_few_convolutions() -> bool:
    """Let oneDNN keep 256 prepared convolutions in this process instead of 1,024.

    On a CPU it prepares every layer anew for every size of the batch. Where rejected images stay
    out of stage III each step has a size of its own, and memory grows with what is kept of the
    sizes before, which lies scattered between the activations; preparing takes hardly any time
    (docs/performance.md). To be called before the first convolution. Nothing is done where the
    environment sets one of ``USERS_CHOICE``.

    Returns:
        Whether the number is ours.
    """
    if any(name in os.environ for name in USERS_CHOICE):
        return False
    os.environ[USERS_CHOICE[0]] = str(ENOUGH)
    return True
