"""The open-relay matrix, over real sockets: 8 sources x 4 senders x 7 recipients.

What must be allowed stands in a table written by hand, which knows nothing of our rules.

Source: reliability.md B01; operators.md 2.5.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
from proofs import HANDSHAKE_REFUSED, LETTER, events, forget_early, kept, peer, refused_in_handshake, sign_in
from world import Site, Talk, World, new_world

from mssante.app.sandbox.pki import Legal
from mssante.model.decision import Kind

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE, TENANT, A, B, CITIZENS = (
    "chu.mssante.fr",
    "clinique.mssante.fr",
    "rivalie.mssante.fr",
    "labo.mssante.fr",
    "patient.mssante.fr",
)
ABSENT = "absent.mssante.fr"
UNLISTED = "gmail.example"
USER = f"dr.house@{HERE}"
TENANT_USER = f"dr.ailleurs@{TENANT}"

# Source -> the domain that it may call its own; how it proves who it is stands in `Stage.knock`.
SOURCES = {
    "no certificate": A,
    "certificate of another authority": A,
    "certificate that is not on the list": ABSENT,
    "operator A": A,
    "operator B": B,
    "signed-in user": HERE,
    "user of another tenant": TENANT,
    "gateway of the citizens' operator": CITIZENS,
}
USERS = {"signed-in user", "user of another tenant"}
SENDERS = ("own domain", "other listed domain", "unlisted domain", "null sender")
RECIPIENTS = {
    "local existing": USER,
    "local unknown": f"personne@{HERE}",
    "other listed domain": f"x@{TENANT}",
    "unlisted domain": f"x@{UNLISTED}",
    "source route": f"@{HERE}:x@{TENANT}",
    "percent hack": f"x%{TENANT}@{HERE}",
    "address literal": "x@[127.0.0.1]",
}

# Everything that may pass, by hand: 10 cells of 224.
ALLOWED = {
    ("operator A", "own domain", "local existing"),
    ("operator A", "null sender", "local existing"),
    ("operator B", "own domain", "local existing"),
    ("operator B", "null sender", "local existing"),
    ("gateway of the citizens' operator", "own domain", "local existing"),
    ("gateway of the citizens' operator", "null sender", "local existing"),
    ("signed-in user", "own domain", "local existing"),
    ("signed-in user", "own domain", "other listed domain"),
    ("signed-in user", "null sender", "local existing"),
    ("signed-in user", "null sender", "other listed domain"),
}

# Why the others are refused: first what the source and its sender say, then the recipient.
_OPERATOR = {"other listed domain": Kind.DN_NOT_LISTED, "unlisted domain": Kind.SENDER_DOMAIN_UNLISTED}
BY_SENDER = {
    "no certificate": dict.fromkeys(SENDERS, Kind.CERTIFICATE_MISSING),
    "certificate of another authority": dict.fromkeys(SENDERS, Kind.CERTIFICATE_UNTRUSTED),
    "certificate that is not on the list": {
        "own domain": Kind.SENDER_DOMAIN_UNLISTED,
        "other listed domain": Kind.DN_NOT_LISTED,
        "unlisted domain": Kind.SENDER_DOMAIN_UNLISTED,
        "null sender": Kind.DN_NOT_LISTED,
    },
    "operator A": _OPERATOR,
    "operator B": _OPERATOR,
    "gateway of the citizens' operator": _OPERATOR,
    "signed-in user": {"other listed domain": Kind.SENDER_NOT_ALLOWED, "unlisted domain": Kind.SENDER_NOT_ALLOWED},
    "user of another tenant": dict.fromkeys(SENDERS, Kind.SIGN_IN_FAILED),
}
_ADDRESSES = {
    "local unknown": Kind.MAILBOX_UNKNOWN,
    "source route": Kind.ADDRESS_SYNTAX,
    "percent hack": Kind.MAILBOX_UNKNOWN,
    "address literal": Kind.ADDRESS_SYNTAX,
}
FOR_PEERS = {**_ADDRESSES, "other listed domain": Kind.RELAY, "unlisted domain": Kind.RELAY}
FOR_USERS = {**_ADDRESSES, "unlisted domain": Kind.RECIPIENT_DOMAIN_UNLISTED}
CODES = {
    Kind.CERTIFICATE_MISSING: "550 5.7.1",
    Kind.SENDER_DOMAIN_UNLISTED: "550 5.7.1",
    Kind.DN_NOT_LISTED: "550 5.7.1",
    Kind.SENDER_NOT_ALLOWED: "550 5.7.1",
    Kind.RECIPIENT_DOMAIN_UNLISTED: "550 5.7.1",
    Kind.RELAY: "554 5.7.1",
    Kind.MAILBOX_UNKNOWN: "550 5.1.1",
    Kind.ADDRESS_SYNTAX: "501 5.1.3",
    Kind.SIGN_IN_FAILED: "535 5.7.8",
    Kind.CERTIFICATE_UNTRUSTED: HANDSHAKE_REFUSED,
}


def why_not(source: str, sender: str, recipient: str) -> Kind | None:
    """Return the reason that the hand-written tables give, or None for what must pass."""
    by_recipient = FOR_USERS if source in USERS else FOR_PEERS
    return BY_SENDER[source].get(sender) or by_recipient.get(recipient)


@dataclass
class Stage:
    world: World
    site: Site
    tenant: Site
    contexts: dict[str, ssl.SSLContext]

    async def knock(self, stack: AsyncExitStack, source: str) -> Talk | str:
        """Return the connection of that source with its proof given, or what refused it."""
        door = "submission" if source in USERS else "smtp"
        talk = await stack.enter_async_context(peer(self.site, self.contexts[source], door))
        if source not in USERS or not isinstance(talk, Talk):
            return talk
        reply = await sign_in(talk, USER if source == "signed-in user" else TENANT_USER)
        return talk if reply.startswith("235") else reply


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[Stage]:
    world = new_world(tmp_path_factory.mktemp("matrix"), pki.pki, pki.keys, pki.now)
    legal = Legal("OPERATEUR D'ESSAI", "1860000108", "Vienne (86)")
    issued = {
        name: pki.pki.server(legal, f"mss.{name}", key=pki.keys[1], now=pki.now)
        for name in (TENANT, A, B, CITIZENS, ABSENT)
    }
    for domain, certificate in {**issued, HERE: pki.operator}.items():
        if domain != ABSENT:
            world.bind(domain, certificate)
    users = world.client_context(None)
    contexts = {
        "no certificate": users,
        "certificate of another authority": world.client_context(pki.bad["other-authority"], "stranger"),
        "certificate that is not on the list": world.client_context(issued[ABSENT], "absent"),
        "operator A": world.client_context(issued[A], "a"),
        "operator B": world.client_context(issued[B], "b"),
        "signed-in user": users,
        "user of another tenant": users,
        "gateway of the citizens' operator": world.client_context(issued[CITIZENS], "citizens"),
    }
    async with (
        world.site("chu", pki.operator, (HERE,), (USER,)) as site,
        world.site("clinique", issued[TENANT], (TENANT,), (TENANT_USER,)) as tenant,
    ):
        await world.publish()
        await world.publish_lists()
        yield Stage(world, site, tenant, contexts)


def _sender(source: str, sender: str) -> str:
    own = SOURCES[source]
    other = A if own != A else B
    if sender == "own domain" and source == "signed-in user":
        return USER
    return {"own domain": f"x@{own}", "other listed domain": f"x@{other}", "unlisted domain": f"x@{UNLISTED}"}.get(
        sender, ""
    )


async def test_the_two_hand_written_tables_agree() -> None:
    cells = {(source, sender, to) for source in SOURCES for sender in SENDERS for to in RECIPIENTS}
    assert len(cells) == 224
    assert {cell for cell in cells if why_not(*cell) is None} == ALLOWED


@pytest.mark.parametrize("recipient", RECIPIENTS)
@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("source", SOURCES)
async def test_exactly_the_allowed_cells_pass(stage: Stage, source: str, sender: str, recipient: str) -> None:
    forget_early(stage.site)
    before = await kept(stage.site)
    reason = why_not(source, sender, recipient)
    letter = LETTER % (USER if source == "signed-in user" else _sender(source, sender) or "x@x.fr").encode()
    async with AsyncExitStack() as stack:
        talk = await stage.knock(stack, source)
        if isinstance(talk, Talk):
            replies = await talk.message(_sender(source, sender), (RECIPIENTS[recipient],), letter)
        else:
            replies = [talk]
    if reason is None:
        assert replies[-1].startswith("250 2.0.0"), replies
        assert (await kept(stage.site)).seq > before.seq
        return
    assert replies[-1].startswith(CODES[reason]), replies
    if reason is Kind.CERTIFICATE_UNTRUSTED:
        await refused_in_handshake(stage.site, before)
    after = await kept(stage.site)
    assert (after.messages, after.copies) == (before.messages, before.copies)
    refused = [event for event in await events(stage.site, before.seq) if event.outcome != "ok"]
    prefix = {Kind.SIGN_IN_FAILED: "sign-in.failed"}.get(
        reason, "submission.refused" if source in USERS else "peer.refused"
    )
    assert [(event.event, event.outcome) for event in refused] == [(prefix, reason.value)]
    assert refused[0].rule


async def test_a_user_of_another_tenant_cannot_use_our_addresses_at_home_either(stage: Stage) -> None:
    before = await kept(stage.tenant)
    async with peer(stage.tenant, stage.contexts["no certificate"], "submission") as talk:
        assert isinstance(talk, Talk)
        assert (await sign_in(talk, TENANT_USER)).startswith("235")
        replies = await talk.message(USER, (USER,), LETTER % USER.encode())
    assert replies[-1].startswith("550 5.7.1")
    [refused] = await events(stage.tenant, before.seq, "submission.refused")
    assert refused.outcome == Kind.SENDER_NOT_ALLOWED.value


@pytest.mark.parametrize("source", ["operator A", "gateway of the citizens' operator"])
async def test_a_peer_cannot_speak_for_a_domain_that_we_serve(stage: Stage, source: str) -> None:
    before = await kept(stage.site)
    async with peer(stage.site, stage.contexts[source]) as talk:
        assert isinstance(talk, Talk)
        replies = await talk.message(USER, (USER,), LETTER % USER.encode())
    assert replies[-1].startswith("550 5.7.1")
    [refused] = await events(stage.site, before.seq, "peer.refused")
    assert (refused.outcome, refused.rule) == (Kind.SENDER_DOMAIN_OURS.value, "R5")
