"""Memory that is free but still held: what glibc keeps for later goes back to the machine."""

import ctypes
import sys


def give_back() -> None:
    """Return what can be returned. A crowd that came and went leaves holes all over the heap, and each new one would
    make some more. Where the C library is another there is nothing to do."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
