"""A backup made as docs/operate.md says, while the store is open, gives everything back."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from cli_world import CARDIO, CLAIRE, Shell


def test_a_backup_gives_back_messages_and_audit(shell: Shell, tmp_path: Path) -> None:
    for address in (CLAIRE, CARDIO):
        shell.good("mailbox", "add", address, "--type", "ORG", "--holder", "Service")
    (tmp_path / "big.bin").write_bytes(bytes(range(256)) * 2000)
    send = ("send", "--from", CARDIO, "--to", CLAIRE, "--subject", "x", "--text", "y")
    shell.good(*send, "--attach", str(tmp_path / "big.bin"))
    export = ("mail", "export", CARDIO, "1", "--folder", "Sent", "--output")
    shell.good(*export, str(tmp_path / "before.eml"))
    head = shell.good("audit", "head").out.strip()

    data, backup = shell.config.parent / "data", tmp_path / "backup"
    backup.mkdir()
    with closing(sqlite3.connect(data / "mssante.db")) as live, closing(sqlite3.connect(backup / "mssante.db")) as copy:
        live.backup(copy)
    shutil.copytree(data / "blobs", backup / "blobs")
    shell.good(*send)
    shutil.rmtree(data)
    shutil.copytree(backup, data)

    assert shell.good("audit", "verify", "--expect", head, "--json").json["whole"]
    assert [one["level"] for one in shell("config", "check", "--json").json if one["about"] == "magasin"] == ["ok"]
    shell.good(*export, str(tmp_path / "after.eml"))
    assert (tmp_path / "after.eml").read_bytes() == (tmp_path / "before.eml").read_bytes()
    assert len(shell.good("mail", "list", CARDIO, "--folder", "Sent", "--json").json) == 1
