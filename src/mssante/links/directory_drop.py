"""A folder where a directory whose interface is not public fetches our file.

Source: operators.md 11 U8 (the transport of a publication is unknown: our choice).
"""

import asyncio
import os
from pathlib import Path

from mssante.model.errors import LinkError
from mssante.model.system import reason


class DirectoryDrop:
    """One folder; each file is whole when it has its name."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder, which exists."""
        self._folder = folder

    async def put(self, name: str, content: bytes) -> None:
        """Put the file there, flushed, readable by our group and nobody else.

        Raises:
            LinkError: the folder cannot be written.
        """
        try:
            await asyncio.to_thread(self._write, name, content)
        except OSError as error:
            fix = "vérifiez qu'il existe, qu'il a de la place et que cet utilisateur y écrit"
            msg = f"dépôt {self._folder} : {reason(error)} ; {fix}"
            raise LinkError(msg) from error

    def _write(self, name: str, content: bytes) -> None:
        partial = self._folder / f".{name}.part"
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
