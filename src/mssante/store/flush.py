"""What stands on the disk for good."""

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Return once a file's bytes, or a folder's names, are on the disk; blocks.

    Raises:
        OSError: it cannot be opened, or the disk refuses.

    Source: reliability.md H01 (fsync of the folder after a rename).
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
