"""What an import that was killed leaves in the folder of the directory."""

from pathlib import Path

from directory_files import extraction, loaded

from mssante.store.directory.file import DirectoryFolder


def test_the_next_import_removes_what_a_killed_one_left_and_keeps_the_one_before(tmp_path: Path) -> None:
    loaded(tmp_path, extraction=extraction())
    for name in ("annuaire-000002.db", "annuaire-000007.db", "annuaire-000007.db-journal"):
        (tmp_path / name).write_bytes(b"half of a file")
    loaded(tmp_path, extraction=extraction())
    assert sorted(one.name for one in tmp_path.glob("*.db*")) == ["annuaire-000001.db", "annuaire-000002.db"]
    current = DirectoryFolder(tmp_path).current()
    assert current is not None
    assert current.name == "annuaire-000002.db"
