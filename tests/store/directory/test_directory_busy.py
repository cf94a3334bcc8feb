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
        await tx.run("count_word", word="nantes")

    def keep_changing() -> None:
        while not stop.is_set():
            folder.store().write_now(change)

    async def look(tx: Tx) -> int:
        row = await tx.one("word_exact", word="nantes")
        return 0 if row is None else int(row[0])

    writer = threading.Thread(target=keep_changing)
    writer.start()
    try:
        # One in twenty was told that no directory was ever imported.
        counts = [folder.store().read_now(look) for _ in range(100)]
    finally:
        stop.set()
        writer.join()
    assert counts == sorted(counts), "each look sees at least what the one before saw"
    assert folder.store().read_now(look) > counts[0] > 0
