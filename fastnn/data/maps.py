"""Memory maps of files whose pages are released after reading."""

import mmap


def release(memory: mmap.mmap | None) -> None:
    """Give up the pages of a map that are in memory; they are read again where they are needed.

    Otherwise the memory of a process seems to grow to the size of the file. A private map, which
    might hold changes, must not be given.
    """
    if memory is not None and hasattr(mmap, "MADV_DONTNEED"):
        memory.madvise(mmap.MADV_DONTNEED)
