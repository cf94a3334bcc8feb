"""``mssante config``: bad input is named with its fix before the operator starts."""

import asyncio
import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from cli_world import DOMAIN, Shell
from s3 import fake_s3

from mssante.app.chance import utc_now
from mssante.app.config import read_config
from mssante.app.sandbox.authority import Issued
from mssante.app.sandbox.pki import Legal, write_issued
from mssante.store import lists
from mssante.store.engine import Store


def wrong(shell: Shell) -> tuple[int, list[tuple[str, str, str]]]:
    answer = shell("config", "check", "--json")
    assert answer.out, answer.err
    found = [(one["level"], one["about"], one["text"]) for one in answer.json if one["level"] != "ok"]
    return answer.code, [one for one in found if one[1] != "liste blanche"]


def change(shell: Shell, old: str, new: str) -> None:
    text = shell.config.read_text()
    assert old in text
    shell.config.write_text(text.replace(old, new, 1))


def put_certificate(shell: Shell, pki, issued: Issued, folder: Path) -> None:
    settings = read_config(shell.config).tls
    certificate, key = write_issued(pki.pki, issued, folder, "other")
    settings.certificate.write_bytes(certificate.read_bytes())
    settings.key.write_bytes(key.read_bytes())


async def keep_list(shell: Shell, age: timedelta) -> None:
    config = read_config(shell.config)
    store = await Store.open(config.operator.data_dir, config.store)
    now = utc_now() - age
    await store.write(lambda tx: lists.save_list(tx, version="v1", generated_at=now, raw=b"<x/>", now=now))
    await store.close()


def test_says_that_all_is_well(shell: Shell) -> None:
    asyncio.run(keep_list(shell, timedelta(minutes=5)))
    answer = shell("config", "check")
    assert answer.code == 0, answer.out
    assert "Prêt à démarrer." in answer.out
    assert "CN=mss.chu-valdore.fr" in answer.out


def test_names_an_expired_certificate_and_the_fix(shell: Shell, pki, tmp_path: Path) -> None:
    put_certificate(shell, pki, pki.bad["expired"], tmp_path)
    code, found = wrong(shell)
    assert code == 2
    assert [(level, about) for level, about, _ in found] == [("error", "certificat")]
    assert "a expiré" in found[0][2]
    assert "mssante pki request" in found[0][2]


def test_warns_before_the_certificate_expires(shell: Shell, pki, tmp_path: Path) -> None:
    legal = Legal("CHU DE VALDORÉ", "1310000108", "Haute-Garonne (31)")
    soon = pki.pki.server(legal, "mss.chu-valdore.fr", key=pki.keys[0], now=pki.now - timedelta(days=350))
    put_certificate(shell, pki, soon, tmp_path)
    code, found = wrong(shell)
    assert code == 1
    assert "commandez le suivant" in found[0][2]


def test_finds_a_key_that_is_not_the_certificates(shell: Shell, pki, tmp_path: Path) -> None:
    _certificate, key = write_issued(pki.pki, pki.other, tmp_path, "wrong")
    read_config(shell.config).tls.key.write_bytes(key.read_bytes())
    code, found = wrong(shell)
    assert (code, found[0][:2]) == (2, ("error", "certificat"))
    assert "ce n'est pas la clé du certificat" in found[0][2]


def test_finds_a_certificate_that_the_others_would_refuse(shell: Shell, pki, tmp_path: Path) -> None:
    put_certificate(shell, pki, pki.bad["other-authority"], tmp_path)
    code, found = wrong(shell)
    assert code == 2
    assert [text.split(" : ")[0] for _, about, text in found if about == "certificat"] == [
        "les autres le refuseraient comme serveur",
        "les autres le refuseraient comme client",
    ]


def test_warns_when_the_certificate_names_another_server(shell: Shell) -> None:
    change(shell, 'hostname = "mss.chu-valdore.fr"', 'hostname = "mss.ailleurs.fr"')
    code, found = wrong(shell)
    assert (code, found[0][1]) == (1, "nom du serveur")


def test_finds_secrets_that_others_can_read_or_that_are_gone(shell: Shell) -> None:
    (shell.config.parent / "secrets" / "trace_key.bin").chmod(0o644)
    (shell.config.parent / "secrets" / "credential_key.bin").unlink()
    code, found = wrong(shell)
    assert code == 2
    assert [about for _, about, _ in found] == ["secrets", "secrets"]
    assert "chmod 600" in found[1][2]


def test_finds_no_store_and_makes_none(shell: Shell) -> None:
    change(shell, 'data_dir = "data"', 'data_dir = "nowhere"')
    code, found = wrong(shell)
    assert (code, found[0][1]) == (3, "magasin")
    assert not (shell.config.parent / "nowhere").exists()
    assert shell("mailbox", "list").code == 3


def test_finds_a_store_that_is_damaged_or_newer(shell: Shell) -> None:
    path = shell.config.parent / "data" / "mssante.db"
    database = sqlite3.connect(path)
    with database:
        database.execute("PRAGMA user_version=9999")
    database.close()
    assert wrong(shell)[0] == 3
    path.write_bytes(b"not a database at all" * 1000)
    code, found = wrong(shell)
    assert code == 3
    assert "abîmé" in found[0][2]


def test_wants_the_postmaster_in_service(shell: Shell) -> None:
    shell.good("mailbox", "suspend", f"postmaster@{DOMAIN}")
    code, found = wrong(shell)
    assert (code, found[0][1]) == (1, "postmaster")
    change(shell, f'postmaster = "postmaster@{DOMAIN}"', 'postmaster = "nobody"')
    assert wrong(shell)[0] == 2


@pytest.mark.parametrize(("days", "said"), [(2, "vérifiez [trust] list_url"), (8, "les échanges sont arrêtés")])
def test_warns_of_an_old_list(shell: Shell, days: int, said: str) -> None:
    asyncio.run(keep_list(shell, timedelta(days=days)))
    answer = shell("config", "check")
    assert (answer.code, said in answer.out) == (1, True)


def test_stops_at_an_unknown_key_with_the_one_that_was_meant(shell: Shell) -> None:
    change(shell, "refresh_seconds", "refresh_secs")
    answer = shell("config", "check")
    assert answer.code == 2
    assert "refresh_seconds" in answer.err


def test_shows_every_setting_and_marks_what_was_changed(shell: Shell) -> None:
    change(shell, "port = 25", "port = 2525")
    shown = shell.good("config", "show").out
    assert "* port = 2525" in shown
    assert "  implicit_port = 465" in shown
    assert "[queue]" in shown
    secret = (shell.config.parent / "secrets" / "trace_key.bin").read_bytes()
    assert secret not in shown.encode()
    values = shell.good("config", "show", "--json").json
    assert (values["smtp"]["port"], values["limits"]["recipients"]) == (2525, 500)


def test_tries_the_object_store_out_and_compares_the_clocks(shell: Shell, tmp_path: Path) -> None:
    with fake_s3() as s3:
        given = s3.settings(tmp_path, answer_seconds=1.0)
        keys = (
            f'access_key = "{given.access_key}"\nsecret_key = "{given.secret_key}"\nanswer_seconds = 1\nretries = 0\n'
        )
        section = f'[blobs]\nengine = "s3"\nendpoint = "{s3.endpoint}"\nbucket = "corps"\n{keys}'
        shell.config.write_text(f"{shell.config.read_text()}\n{section}")
        asyncio.run(keep_list(shell, timedelta(minutes=5)))
        answer = shell("config", "check")
        assert answer.code == 0, answer.out
        assert "écrit, relu et effacé" in answer.out
        s3.faults.clock = 300
        assert re.search(r"diffèrent de (29[5-9]|30[0-5]) s", wrong(shell)[1][0][2])
        s3.faults.clock, s3.faults.denied = 0, True
        code, found = wrong(shell)
        assert code == 3
        assert "accès refusé" in found[0][2]


@pytest.mark.parametrize(
    ("endpoint", "bucket", "said"),
    [("", "corps", "endpoint"), ("http://s3.exemple.fr", "corps", "https"), ("https://s3.exemple.fr", "", "bucket")],
)
def test_an_object_store_that_cannot_be_is_refused(shell: Shell, endpoint: str, bucket: str, said: str) -> None:
    section = f'[blobs]\nengine = "s3"\nendpoint = "{endpoint}"\nbucket = "{bucket}"\n'
    shell.config.write_text(f"{shell.config.read_text()}\n{section}")
    answer = shell("config", "check")
    assert answer.code == 2
    assert said in answer.err
