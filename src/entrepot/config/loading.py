"""How a process loads its modules: without looking for garbage among what will stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Load modules in the block; what exists after it is never looked at for garbage again.

    The many objects of a start set the collector off again and again, in vain: that was a third of
    a worker's start, and afterwards a tenth of the intake's time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
