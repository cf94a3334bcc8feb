"""``mssante mailbox``: what opens a box, what is refused, what the audit keeps."""

import asyncio
import json

import pytest
from cli_world import CARDIO, CLAIRE, DOMAIN, Answer, Shell

from mssante.app.config import read_config, read_secret
from mssante.flows.sign_in import digest_password
from mssante.model.mailbox import Account
from mssante.model.national import ins_key, with_luhn
from mssante.store.accounts import Right, credential_by_digest, rights
from mssante.store.engine import Store
from mssante.store.tx import Tx

RPPS = with_luhn("1000123456")
FINESS = with_luhn("31000010")
SIRET = with_luhn("1234567890123")
DN = "CN=DPI VALDORE,OU=1310000108,O=CHU DE VALDORÉ,ST=Haute-Garonne (31),C=FR"


def add(shell: Shell, address: str = CLAIRE, kind: str = "PER", holder: str = "Dr Claire MARTIN", *more: str) -> Answer:
    return shell("mailbox", "add", address, "--type", kind, "--holder", holder, *more)


async def account_of(shell: Shell, password: str) -> tuple[Account, tuple[Right, ...]] | None:
    config = read_config(shell.config)
    digest = digest_password(read_secret(config.secrets.credential_key), password)
    store = await Store.open(config.operator.data_dir, config.store)
    try:

        async def look(tx: Tx) -> tuple[Account, tuple[Right, ...]] | None:
            found = await credential_by_digest(tx, digest)
            return (found[0], await rights(tx, found[0].account_id)) if found else None

        return await store.read(look)
    finally:
        await store.close()


def events(shell: Shell, prefix: str = "") -> list[dict]:
    return [json.loads(line) for line in shell.good("audit", "show", "--json", "--event", prefix).out.splitlines()]


def test_opens_a_box_and_shows_its_password_once(shell: Shell) -> None:
    made = add(shell, CLAIRE, "PER", "Dr Claire MARTIN", "--identifier", RPPS, "--quota", "500M", "--json").json
    assert made["quota_bytes"] == 500 * 1024 * 1024
    assert len(made["password"].replace("-", "")) == 24
    account, granted = asyncio.run(account_of(shell, made["password"].upper()))
    assert account.login == CLAIRE
    assert [(str(one.address), one.may_send) for one in granted] == [(CLAIRE, True)]
    assert made["password"] not in shell.good("mailbox", "password", "list", CLAIRE).out


def test_writes_who_opened_the_box_in_the_audit(shell: Shell) -> None:
    add(shell)
    row = events(shell, "mailbox.created")[-1]
    assert (row["subject"], row["outcome"], row["actor"][:4]) == (CLAIRE, "ok", "cli:")
    assert shell.good("audit", "verify").out.startswith("Chaîne entière")


@pytest.mark.parametrize(
    ("kind", "identifier", "said"),
    [
        ("PER", RPPS[:-1] + str((int(RPPS[-1]) + 1) % 10), "n'est pas un RPPS"),
        ("PER", FINESS, "n'est pas un RPPS"),
        ("CAB", "12345", "n'est pas un RPPS"),
        ("ORG", "310000109", "ni un FINESS"),
        ("APP", RPPS, "ni un FINESS"),
    ],
)
def test_refuses_an_identifier_with_a_wrong_key(shell: Shell, kind: str, identifier: str, said: str) -> None:
    answer = add(shell, CLAIRE, kind, "Titulaire", "--identifier", identifier)
    assert answer.code == 1
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
    assert len(shell.good("mailbox", "list", "--json").json) == 1


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [
        ("PER", RPPS),
        ("PER", f"8{RPPS}"),
        ("CAB", ""),
        ("ORG", FINESS),
        ("ORG", f"1{FINESS}"),
        ("ORG", f"3{SIRET}"),
        ("APP", SIRET),
    ],
)
def test_takes_the_identifiers_of_each_type(shell: Shell, kind: str, identifier: str) -> None:
    assert add(shell, CARDIO, kind, "Titulaire", "--identifier", identifier).code == 0


def test_opens_a_citizens_box_at_his_identity_only_and_hides_it_in_the_audit(shell: Shell) -> None:
    body = "1850578006048"
    domain = "patient.mssante.fr"
    shell.good("mailbox", "domain", "add", domain)
    ins = f"{body}{ins_key(body)}@{domain}"
    assert add(shell, f"jean.petit@{domain}", "USAGER", "Jean PETIT").code == 1
    assert add(shell, ins, "USAGER", "Jean PETIT").code == 0
    assert body not in json.dumps(events(shell))


def test_refuses_a_domain_of_somebody_else_and_says_how_to_add_it(shell: Shell) -> None:
    answer = add(shell, "a@ailleurs.mssante.fr")
    assert answer.code == 1
    assert f"({DOMAIN})" in answer.err
    assert "mailbox domain add ailleurs.mssante.fr" in answer.err


def test_gives_the_members_their_right_and_no_password(shell: Shell) -> None:
    add(shell)
    made = add(shell, CARDIO, "ORG", "Cardiologie", "--member", CLAIRE, "--json").json
    assert made["password"] is None


def test_every_attribute_can_be_given_at_the_opening_and_changed_later(shell: Shell) -> None:
    add(shell)
    given = (
        "--service",
        "Cardio",
        "--responsible",
        "Dr A",
        "--phone",
        "01",
        "--local-id",
        "UF1",
        "--description",
        "Avis",
    )
    add(shell, CARDIO, "ORG", "Cardiologie", "--member", CLAIRE, "--rank", "1", "--paperless", "--red-list", *given)
    shown = shell.good("mailbox", "show", CARDIO).out
    for value in ("Cardio", "Dr A", "01", "UF1", "Avis", "Zéro papier", "Liste rouge", CLAIRE):
        assert value in shown
    add(shell, f"luc.petit@{DOMAIN}", "PER", "Luc PETIT")
    said = shell.good(
        *("mailbox", "change", CARDIO, "--holder", "Cardiologie B", "--identifier", FINESS, "--phone", ""),
        *("--member", f"luc.petit@{DOMAIN}", "--remove-member", CLAIRE, "--no-paperless", "--rank", "2"),
    ).out
    assert "changée (titulaire, identifiant, téléphone, zéro papier, rang, membres) ; elle sera publiée" in said
    found = shell.good("mailbox", "show", CARDIO, "--json").json
    assert (found["holder"], found["identifier"], found["members"]) == (
        "Cardiologie B", FINESS, [f"luc.petit@{DOMAIN}"],
    )  # fmt: skip
    listing = found["listing"]
    assert (listing["phone"], listing["is_paperless"], listing["rank"], listing["service"]) == ("", False, 2, "Cardio")
    assert [row["event"] for row in events(shell, "member.")] == ["member.added", "member.removed"]
    assert "zéro papier : non" in " ".join(shell.good("mailbox", "show", CARDIO).out.lower().split())


def test_software_gets_a_new_certificate_and_no_directory_is_told(shell: Shell) -> None:
    add(shell, CARDIO, "APP", "DPI", "--certificate-dn", DN, "--identifier", FINESS)
    said = shell.good("mailbox", "change", CARDIO, "--certificate-dn", DN.replace("VALDORE", "VALDORE 2")).out
    assert said == f"Boîte {CARDIO} changée (certificat).\n"


def test_keeps_nothing_of_a_box_with_an_unknown_member(shell: Shell) -> None:
    answer = add(shell, CARDIO, "ORG", "Cardiologie", "--member", "personne@x.fr")
    assert answer.code == 1
    assert "personne@x.fr" in answer.err
    assert shell("mailbox", "show", CARDIO).code == 1


def test_opens_an_application_box_with_a_certificate_instead_of_a_password(shell: Shell) -> None:
    assert add(shell, CARDIO, "APP", "DPI", "--certificate-dn", DN, "--json").json["password"] is None
    assert add(shell, CLAIRE, "PER", "Dr", "--certificate-dn", DN).code == 1
    assert add(shell, CLAIRE, "APP", "Dr", "--certificate-dn", "n'importe quoi").code == 2


def test_never_gives_an_address_twice(shell: Shell) -> None:
    add(shell)
    shell.good("mailbox", "close", CLAIRE, "--yes")
    answer = add(shell)
    assert answer.code == 1
    assert "jamais redonnée" in answer.err
    assert shell("mailbox", "resume", CLAIRE).code == 1


def test_a_suspended_box_gives_no_right_until_it_is_resumed(shell: Shell) -> None:
    password = add(shell, CLAIRE, "PER", "Dr Claire MARTIN", "--json").json["password"]
    shell.good("mailbox", "suspend", CLAIRE)
    account, granted = asyncio.run(account_of(shell, password))
    assert (account.active, granted) == (False, ())
    assert "suspendue avant, en service maintenant" in shell.good("mailbox", "resume", CLAIRE).out
    account, granted = asyncio.run(account_of(shell, password))
    assert (account.active, len(granted)) == (True, 1)


def test_asks_before_closing(shell: Shell, monkeypatch) -> None:
    add(shell)
    for typed, code, state in (("", 130, "active"), ("y", 130, "active"), ("oui", 0, "closed")):
        monkeypatch.setattr("click.termui.visible_prompt_func", lambda _text, typed=typed: typed)
        assert shell("mailbox", "close", CLAIRE).code == code
        assert shell.good("mailbox", "show", CLAIRE, "--json").json["state"] == state


def test_adds_and_revokes_passwords_of_an_account(shell: Shell) -> None:
    add(shell)
    made = shell.good("mailbox", "password", "add", CLAIRE, "--name", "portable", "--json").json
    assert "portable" in shell.good("mailbox", "password", "list", CLAIRE).out
    shell.good("mailbox", "password", "revoke", CLAIRE, str(made["id"]))
    assert asyncio.run(account_of(shell, made["password"])) is None
    again = shell("mailbox", "password", "revoke", CLAIRE, str(made["id"]))
    assert (again.code, "en service" in again.err) == (1, True)
    assert [row["event"] for row in events(shell, "password.")] == ["password.added", "password.revoked"]


def test_does_not_revoke_the_password_of_somebody_else(shell: Shell) -> None:
    add(shell)
    made = shell.good("mailbox", "password", "add", f"postmaster@{DOMAIN}", "--json").json
    assert shell("mailbox", "password", "revoke", CLAIRE, str(made["id"])).code == 1


def test_changes_a_quota_and_shows_the_box(shell: Shell) -> None:
    add(shell)
    assert "2,0 Gio avant, 5,0 Gio maintenant" in shell.good("mailbox", "quota", CLAIRE, "5G").out
    shown = shell.good("mailbox", "show", CLAIRE).out
    assert "0 o sur 5,0 Gio (0 %)" in shown
    assert "Indésirables" in shown


def test_serves_domains(shell: Shell) -> None:
    assert "ajouté" in shell.good("mailbox", "domain", "add", "CH-Voisin.mssante.fr").out
    assert "déjà servi" in shell.good("mailbox", "domain", "add", "ch-voisin.mssante.fr").out
    assert shell.good("mailbox", "domain", "list").out.split() == ["ch-voisin.mssante.fr", DOMAIN]
    assert [row["subject"] for row in events(shell, "domain.")] == [DOMAIN, "ch-voisin.mssante.fr"]


@pytest.mark.parametrize("holder", ["", "   ", "deux\nlignes", "x" * 201])
def test_refuses_a_holder_that_is_no_name(shell: Shell, holder: str) -> None:
    assert add(shell, CLAIRE, "PER", holder).code == 1


def test_a_password_has_a_scope_and_an_end_that_the_list_shows(shell: Shell) -> None:
    add(shell)
    shell.good("mailbox", "password", "add", CLAIRE, "--name", "agenda", "--scope", "imap", "--until", "2099-06-30")
    listed = shell.good("mailbox", "password", "list", CLAIRE, "--json").json
    made = next(one for one in listed if one["name"] == "agenda")
    assert made["scopes"] == ["imap"]
    assert made["until"].startswith("2099-06-")
    refused = shell("mailbox", "password", "add", CLAIRE, "--until", "2001-01-01")
    assert refused.code != 0
    assert "passée" in refused.err
