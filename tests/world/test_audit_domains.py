"""The audit domains of the trust space, with real certificates over real sockets, in both directions.

Receiving: a peer with that certificate connects to us. Sending: we deliver to a host that shows that certificate and
records every byte.

Source: operators.md 2.5 (audit domains, R1 to R6).
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from proofs import (
    HANDSHAKE_REFUSED,
    HERE,
    LETTER,
    MARK,
    USER,
    Sink,
    Stage,
    events,
    forget_early,
    kept,
    peer,
    refused_in_handshake,
)
from world import Talk, new_world

from mssante.app.sandbox import authority as ca
from mssante.app.sandbox.authority import Issued
from mssante.app.sandbox.pki import Legal, SandboxPki
from mssante.model import settings as s
from mssante.model.address import parse_address
from mssante.model.decision import Kind
from mssante.model.envelope import Recipient
from mssante.model.mailbox import Identity, Method
from mssante.model.message import CopyState
from mssante.store import accounts, queue

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPACE = "espacedeconfiance.mssante.fr"
CONTROLS = "controles-ec.mssante.fr"
CONTROLS_HOST = "controles.mssante.fr"


@dataclass(frozen=True)
class Case:
    """What must become of one audit domain: a reason and a rule each way; None is acceptance."""

    domain: str
    receiving: tuple[Kind, str] | None
    sending: tuple[Kind, str] | None
    reply: str = "550 5.7.1"


CASES = {
    "cert-valide": Case(f"cert-valide-audit.{SPACE}", None, None),
    "cert-expire": Case(
        f"cert-expire-audit.{SPACE}",
        (Kind.CERTIFICATE_EXPIRED, "R4"),
        (Kind.CERTIFICATE_EXPIRED, "R4"),
        HANDSHAKE_REFUSED,
    ),
    "cert-revoque": Case(
        f"cert-revoque-audit.{SPACE}", (Kind.CERTIFICATE_REVOKED, "R4"), (Kind.CERTIFICATE_REVOKED, "R4")
    ),
    "cert-non-igc": Case(
        f"cert-non-igc-audit.{SPACE}",
        (Kind.CERTIFICATE_UNTRUSTED, "R3"),
        (Kind.CERTIFICATE_UNTRUSTED, "R3"),
        HANDSHAKE_REFUSED,
    ),
    "cert-no-match": Case(f"cert-no-match-audit.{SPACE}", (Kind.DN_NOT_LISTED, "R5"), (Kind.DN_NOT_LISTED, "R5")),
    "cert-cn-diff-dn": Case(f"cert-cn-diff-dn-audit.{SPACE}", (Kind.DN_NOT_LISTED, "R5"), (Kind.DN_NOT_LISTED, "R5")),
    # The other reading of the same name: the certificate is the listed one, but names another host. It says nothing
    # about a peer that connects to us.
    "cert-cn-diff-host": Case(f"cert-cn-diff-host-audit.{SPACE}", None, (Kind.HOST_MISMATCH, "R6")),
    "sans-tls": Case(f"sans-tls-audit.{SPACE}", (Kind.TLS_REQUIRED, "R2"), (Kind.TLS_REQUIRED, "R2"), "530 5.7.0"),
    "tests-operateur": Case(f"tests-operateur.{SPACE}", None, None),
    "controles-ec": Case(CONTROLS, None, None),
}


def _certificates(pki: SandboxPki, key, now) -> dict[str, Issued]:
    legal = Legal("AGENCE DU NUMERIQUE EN SANTE", "3187512751", "Paris (75)")
    elsewhere = Legal("UNE AUTRE ORGANISATION", "3187512752", "Paris (75)")
    day = timedelta(days=1)

    def server(name: str, host: str = "", legal: Legal = legal, **dates: object) -> Issued:
        return pki.server(legal, host or f"mss.{CASES[name].domain}", key=key, now=now, **dates)

    stranger_root = ca.new_root(key, now, list_url=pki.root.list_url, name="AC INCONNUE")
    stranger = SandboxPki(
        stranger_root, ca.new_intermediate(stranger_root, key, now, list_url=pki.intermediate.list_url)
    )
    found = {
        "cert-valide": server("cert-valide"),
        "cert-expire": server("cert-expire", not_before=now - 30 * day, not_after=now - day),
        "cert-revoque": server("cert-revoque"),
        "cert-non-igc": stranger.server(legal, f"mss.{CASES['cert-non-igc'].domain}", key=key, now=now),
        "cert-no-match": server("cert-no-match", legal=elsewhere),
        "cert-cn-diff-dn": server("cert-cn-diff-dn", f"autre.{SPACE}"),
        "cert-cn-diff-host": server("cert-cn-diff-host", f"autre.{SPACE}"),
        "sans-tls": server("sans-tls"),
        "tests-operateur": server("tests-operateur"),
        "controles-ec": server("controles-ec", CONTROLS_HOST),
    }
    pki.revoked.append(found["cert-revoque"].certificate)
    return found


def _listed(pki: SandboxPki, issued: dict[str, Issued], key, now) -> dict[str, Issued]:
    """Return the certificate whose name the white list gives to each domain."""
    legal = Legal("AGENCE DU NUMERIQUE EN SANTE", "3187512751", "Paris (75)")
    odd = {
        name: pki.server(legal, f"mss.{CASES[name].domain}", key=key, now=now)
        for name in ("cert-no-match", "cert-cn-diff-dn")
    }
    return {**issued, **odd}


@dataclass
class Ground:
    """The site and what stands around it."""

    stage: Stage
    contexts: dict[str, ssl.SSLContext]
    sinks: dict[str, Sink]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[Ground]:
    world = new_world(tmp_path_factory.mktemp("audit-domains"), pki.pki, pki.keys, pki.now)
    issued = _certificates(pki.pki, pki.keys[1], pki.now)
    world.bind(HERE, pki.operator)
    for name, certificate in _listed(pki.pki, issued, pki.keys[1], pki.now).items():
        world.bind(CASES[name].domain, certificate)
    async with AsyncExitStack() as stack:
        sinks = {}
        for name, certificate in issued.items():
            context = None if name == "sans-tls" else _server_context(world, certificate, name)
            sinks[name] = await stack.enter_async_context(Sink(context).open())
            host = CONTROLS_HOST if name == "controles-ec" else f"mss.{CASES[name].domain}"
            world.table[CASES[name].domain] = (f"{host}=127.0.0.1:{sinks[name].port}",)
        trust = s.TrustSettings(list_url="https://127.0.0.1:1/liste.xml", check_host=True)
        site = await stack.enter_async_context(world.site("chu", pki.operator, (HERE,), (USER,), trust=trust))
        await world.publish()
        await world.publish_lists()
        contexts = {name: world.client_context(certificate, name) for name, certificate in issued.items()}
        yield Ground(Stage(world, site, contexts["cert-valide"], issued["cert-valide"]), contexts, sinks)


def _server_context(world, issued: Issued, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    world.client_context(issued, name)
    context.load_cert_chain(world.folder / "visitors" / f"{name}.pem", world.folder / "visitors" / f"{name}.key")
    context.load_verify_locations(world.folder / "pki" / "anchors.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_the_ten_cases_are_those_of_the_specification() -> None:
    accepted = {name for name, case in CASES.items() if case.receiving is None and case.sending is None}
    assert accepted == {"cert-valide", "tests-operateur", "controles-ec"}


@pytest.mark.parametrize("name", CASES)
async def test_a_peer_that_connects_to_us(ground: Ground, name: str) -> None:
    case, site = CASES[name], ground.stage.site
    forget_early(site)
    before = await kept(site)
    sender = f"essai@{case.domain}"
    if name == "sans-tls":
        talk = await Talk.open(site.ports["smtp"])
        await talk.say("EHLO x")
        replies = await talk.message(sender, (USER,), LETTER % sender.encode())
        await talk.close()
    else:
        async with peer(site, ground.contexts[name]) as talk:
            message = (sender, (USER,), LETTER % sender.encode())
            replies = [talk] if isinstance(talk, str) else await talk.message(*message)
    after = await kept(site)
    if case.receiving is None:
        assert replies[-1].startswith("250 2.0.0"), replies
        assert after.messages == before.messages + 1
        return
    kind, rule = case.receiving
    assert replies[-1].startswith(case.reply), replies
    assert after.messages == before.messages
    await refused_in_handshake(site, before)
    [event] = await events(site, before.seq, "peer.refused")
    assert (event.outcome, event.rule) == (kind.value, rule)


@pytest.mark.parametrize("name", CASES)
async def test_a_host_that_we_send_to(ground: Ground, name: str) -> None:
    case, site, sink = CASES[name], ground.stage.site, ground.sinks[name]
    operator = site.operator
    sink.forget()
    account = await operator.store.read(lambda tx: accounts.account_by_login(tx, USER))
    assert account is not None
    sender = parse_address(USER)
    identity = Identity(account.account_id, USER, Method.PLAIN, {sender.key: sender}, frozenset({sender.key}))
    accepted = await operator.submitting.submit(
        identity, sender, (Recipient(parse_address(f"bal@{case.domain}")),), LETTER % USER.encode()
    )
    await operator.delivering.drain()
    [copy] = await operator.store.read(lambda tx: queue.copies_of(tx, accepted.reference))
    last = await operator.store.read(lambda tx: queue.last_attempt(tx, copy.copy_id))
    assert last is not None
    assert MARK not in sink.clear
    if case.sending is None:
        assert copy.state is CopyState.RELAYED, last
        assert sink.inside.count(MARK) == sink.messages == 1
        return
    assert (copy.state, last.kind, last.rule) == (CopyState.DEFERRED, *case.sending), last
    said = bytes(sink.clear + sink.inside)
    assert b"MAIL" not in said
    assert MARK not in said
    [event] = [found for found in await events(site, 0, "copy.deferred") if found.subject == copy.reference]
    assert (event.outcome, event.rule) == (case.sending[0].value, case.sending[1])
