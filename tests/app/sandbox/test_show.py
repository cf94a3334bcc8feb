"""Programs get one JSON object per line, people get French."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mssante.app.sandbox import published, space
from mssante.app.sandbox.annuaire import Answer, Searched
from mssante.app.sandbox.follow import Followed, Hop
from mssante.app.sandbox.layout import Laid, LaidIdentity, Layout, Pair, Ports
from mssante.app.sandbox.letters import DOCTOR, GP
from mssante.app.sandbox.peers import BAD_PEERS
from mssante.app.sandbox.published import Published
from mssante.app.sandbox.reading import Opened, Step
from mssante.app.sandbox.refusals import Refused
from mssante.app.sandbox.show import JsonView, PrettyView, Totals, View
from mssante.app.sandbox.stores import SandboxAccount
from mssante.model.mailbox import MailboxType
from mssante.model.publication import PublicationState

PAIR = Pair(Path("/x/a.pem"), Path("/x/a.key"), "CN=x")
LAID = Laid(
    space.HOSPITAL,
    Path("/x"),
    Path("/x/mssante.toml"),
    Ports(2525, 5870, 4650, 1430, 9930, 4430, 4440, 3890, 6360),
    PAIR,
    {},
)
LAYOUT = Layout(
    folder=Path("/x"),
    anchors=Path("/x/anchors.pem"),
    intermediates=Path("/x/i.pem"),
    manager_config=Path("/x/m/mssante.toml"),
    manager_port=8443,
    directory_port=8446,
    identity=LaidIdentity(Path("/x/i/mssante.toml"), 8444, "https://127.0.0.1:8444/r", Path("/x/i/p.json")),
    operators=(LAID,),
    entries=(),
    visitors={},
    bad={},
)
ACCOUNTS = {
    "hopital": (
        SandboxAccount(DOCTOR, MailboxType.PER, "Dr Claire MARTEL", str(DOCTOR), "abcd-efgh", None),
        SandboxAccount(GP, MailboxType.APP, "Logiciel", str(GP), "ijkl-mnop", PAIR),
    )
}
HOP = Hop("Lettre", "1@a", DOCTOR, GP, "received", "liberaux", "R5", "2026-01-02T03:04:05Z", "TLSv1.2 X", 12.345)
REFUSED = Refused(BAD_PEERS[0], "TLS handshake refused: connection closed", "R4", as_expected=True, problem="")

OPENED = Opened(str(GP), ("INBOX", "Envoyés"), (Step("heard", "vu [1]", 4.25),), is_whole=True, is_heard=True)

SEARCHED = Searched("lenoir", str(GP), (Answer(str(GP), "Paul LENOIR", "CABINET", ("nom exact",), ""),), 12.3)
FOUND = Searched("hdj", str(published.BOX), (Answer(str(published.BOX), "HDJ", "CHU", ("au lieu demandé",), ""),), 9.0)
PUBLISHED = Published(str(published.BOX), PublicationState.ACCEPTED, 0.25, 26_666, "", FOUND)


def play(view: View) -> None:
    view.progress("Démarrage...")
    view.ready(LAYOUT, ACCOUNTS)
    view.searched(SEARCHED, 50_000)
    view.followed(Followed(GP, (HOP,), arrived=True))
    view.followed(Followed(GP, (), arrived=False, problem="not arrived in time"))
    view.opened(OPENED)
    view.refused(REFUSED)
    view.published(PUBLISHED)
    view.done(Totals(delivered=1, refused=1, expected_refusals=1, lost=1, first_seconds=1.0, seconds=2.0))
    view.waiting()


def json_lines() -> list[dict]:
    out = io.StringIO()
    play(JsonView(out))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_writes_one_object_per_event_in_order() -> None:
    events = [line["event"] for line in json_lines()]
    assert events == ["ready", "searched", "hop", "lost", "mailbox", "refusal", "published", "done"]


def test_the_ready_line_holds_what_an_outside_program_needs_to_connect() -> None:
    operator = json_lines()[0]["operators"][0]
    assert operator["smtp"] == {"host": "127.0.0.1", "port": 2525}
    assert operator["submission"] == {"host": "127.0.0.1", "port": 5870, "implicit_port": 4650}
    assert operator["imap"] == {"host": "127.0.0.1", "port": 1430, "implicit_port": 9930}
    assert operator["ca_file"] == "/x/anchors.pem"
    person, software = operator["accounts"]
    assert {"address", "type", "user", "password"} <= set(person)
    assert software["certificate"] == "/x/a.pem"
    assert software["key"] == "/x/a.key"


def test_a_hop_says_who_which_rule_list_version_tls_and_milliseconds() -> None:
    hop = json_lines()[2]
    assert (hop["operator"], hop["rule"], hop["list_version"], hop["tls"], hop["ms"]) == (
        "liberaux",
        "R5",
        "2026-01-02T03:04:05Z",
        "TLSv1.2 X",
        12.3,
    )


def test_the_mailbox_line_says_what_a_mail_program_saw_and_how_fast() -> None:
    line = json_lines()[4]
    assert line["folders"] == ["INBOX", "Envoyés"]
    assert line["steps"] == {"heard": 4.2}
    assert (line["whole"], line["heard"]) == (True, True)


def test_the_searches_say_their_words_and_the_reasons_of_each_answer() -> None:
    searched = json_lines()[1]
    assert (searched["words"], searched["people"], searched["ok"]) == ("lenoir", 50_000, True)
    assert searched["answers"][0]["reasons"] == ["nom exact"]


def test_the_new_mailbox_is_told_with_its_state_the_extraction_and_where_it_was_found() -> None:
    line = json_lines()[-2]
    assert (line["address"], line["state"], line["extraction_lines"]) == (str(published.BOX), "accepted", 26_666)
    assert line["searched"]["answers"][0]["reasons"] == ["au lieu demandé"]
    assert line["ok"]


@pytest.mark.parametrize(
    ("state", "searched", "as_expected"),
    [
        (PublicationState.ACCEPTED, FOUND, True),
        (PublicationState.REFUSED, FOUND, False),
        (PublicationState.ACCEPTED, replace(FOUND, answers=()), False),
        (PublicationState.ACCEPTED, replace(FOUND, answers=SEARCHED.answers), False),
    ],
)
def test_a_new_mailbox_is_as_expected_only_when_it_is_accepted_and_found_first(
    state: PublicationState, searched: Searched, as_expected: bool
) -> None:
    shown = replace(PUBLISHED, state=state, searched=searched, code="" if as_expected else "entry-unknown")
    assert shown.as_expected is as_expected
    out = io.StringIO()
    PrettyView(Console(file=out, width=200)).published(shown)
    assert ("✔" in out.getvalue()) is as_expected


def test_the_last_line_has_the_totals() -> None:
    last = json_lines()[-1]
    assert {key: last[key] for key in ("delivered", "refused", "expected_refusals", "lost")} == {
        "delivered": 1,
        "refused": 1,
        "expected_refusals": 1,
        "lost": 1,
    }


def test_shows_people_ports_accounts_passwords_and_how_to_stop() -> None:
    out = io.StringIO()
    play(PrettyView(Console(file=out, width=40)))
    assert "…" not in out.getvalue()
    for text in (
        "SMTP 2525",
        "drapeau vu",
        "1430",
        "abcd-efgh",
        str(DOCTOR),
        "Ctrl-C",
        "règle R5",
        "certificat expiré",
        "1 perdue",
        str(published.BOX),
        "acceptée par l'annuaire du gestionnaire",
        "26666 boîtes",
        "et la trouve",
        "au lieu demandé",
    ):
        assert text in out.getvalue()


@pytest.mark.parametrize(
    ("totals", "as_expected"),
    [
        (Totals(7, 10, 10, 0, 0.5, 1.0), True),
        (Totals(6, 10, 10, 1, 0.5, 1.0), False),
        (Totals(7, 9, 10, 0, 0.5, 1.0), False),
        (Totals(0, 10, 10, 0, 0.5, 1.0), False),
    ],
)
def test_all_is_as_expected_only_when_nothing_is_lost_and_everyone_bad_is_refused(
    totals: Totals, as_expected: bool
) -> None:
    assert totals.is_as_expected is as_expected
