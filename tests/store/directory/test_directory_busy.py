"""A reader of the directory's file is not told that there is none while another program changes it."""

import threading
from pathlib import Path

from directory_files import extraction, loaded

from mssante.store.directory.file import DirectoryFolder
from mssante.store.tx import Tx


def test_readers_find_the_directory_while_it_is_changed(tmp_path: Path) -> None:
    loaded(tmp_path / "annuaire", extraction=extraction())
    folder = DirectoryFolder(tmp_path / "annuaire")
    stop = threading.Event()

    async def change(tx: Tx) -> None:
        await tx.run("set_fact", name="changed", value="1")

    def keep_changing() -> None:
        while not stop.is_set():
            folder.store().write_now(change)

    async def look(tx: Tx) -> object:
        return await tx.one("fact", name="changed")

    writer = threading.Thread(target=keep_changing)
    writer.start()
    try:
        # One in twenty was told that no directory was ever imported.
        for _ in range(100):
            folder.store().read_now(look)
    finally:
        stop.set()
        writer.join()
