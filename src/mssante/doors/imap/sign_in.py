"""Who is there: LOGIN, AUTHENTICATE, STARTTLS, UNAUTHENTICATE; nothing is signed in with before TLS.

Source: RFC 9051 sections 6.2 and 11; RFC 4959; RFC 8437; operators.md on STARTTLS.
"""

from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.state import State
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import Identity, Method
from mssante.wire.imap import capabilities
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r
from mssante.wire.imap.framing import SaslResponse
from mssante.wire.sasl import exchange as sasl
from mssante.wire.sasl.bearer import BearerClaim, failure_challenge

_TLS_FIRST = Answer("NO", "Encryption is needed first: STARTTLS", "PRIVACYREQUIRED")
_FAILED = Refusal(Kind.SIGN_IN_FAILED, "sasl", "Authentication failed")


def capability_words(state: State) -> str:
    """Return what is advertised to this client now."""
    if state.who is not None:
        return capabilities.signed_in(append_bytes=state.desk.settings.append_bytes, compressed=state.is_compressed)
    return capabilities.before_sign_in(
        tls=state.line.is_tls, starttls=state.desk.starttls, mechanisms=state.desk.mechanisms
    )


async def do_starttls(state: State, tag: bytes, _command: c.Command) -> Answer | None:
    """Begin TLS; what came behind the command in clear is thrown away (reliability.md A04)."""
    if state.line.is_tls or not state.desk.starttls:
        return Answer("BAD", "TLS is not for this moment")
    state.line.write(r.tagged(tag, "OK", "Begin TLS negotiation now"))
    state.line.start_tls()
    return None


async def do_login(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Sign in with an application password."""
    assert isinstance(command, c.Login)  # noqa: S101 - see the table
    if not state.line.is_tls:
        return _TLS_FIRST
    found = await state.desk.sign_in.password(command.user, command.password, "", state.line.peer.ip, "imap")
    return settle(state, found)


async def do_authenticate(state: State, tag: bytes, command: c.Command) -> Answer | None:
    """Begin a SASL exchange."""
    assert isinstance(command, c.Authenticate)  # noqa: S101 - see the table
    if not state.line.is_tls:
        return _TLS_FIRST
    if command.mechanism not in state.desk.mechanisms:
        return Answer("NO", "That mechanism is not known", "CANNOT")
    state.exchange, state.sasl_tag, state.token_refusal = sasl.start(command.mechanism), tag, None
    return await _step(state, command.initial)


async def respond(state: State, event: SaslResponse) -> Answer | None:
    """Take the client's next step in the exchange."""
    state.reader.expect("command")
    if event.data is None:
        refusal, state.exchange, state.token_refusal = state.token_refusal, None, None
        if refusal is not None:
            return settle(state, refusal)
        return Answer("BAD", "Authentication was given up")
    return await _step(state, event.data)


async def _step(state: State, data: bytes | None) -> Answer | None:
    exchange = state.exchange
    if exchange is None:
        return refused(_FAILED)
    if state.token_refusal is not None:
        # The client has heard why; whatever it says to that, the exchange ends here.
        refusal, state.token_refusal = state.token_refusal, None
        return settle(state, refusal)
    try:
        step = exchange.step(data)
    except TheirProtocolError:
        return settle(state, _FAILED)
    if isinstance(step, sasl.Challenge):
        state.line.write(r.challenge(step.data))
        state.reader.expect("sasl")
        return None
    peer = state.line.peer
    if isinstance(step, sasl.PlainCredentials):
        found = await state.desk.sign_in.password(step.authcid, step.password, step.authzid, peer.ip, "imap")
        return settle(state, found)
    if isinstance(step, BearerClaim):
        return await _bearer(state, step)
    return settle(state, await state.desk.sign_in.certificate(peer, step.authzid))


async def _bearer(state: State, claim: BearerClaim) -> Answer | None:
    """Sign in with a token; a refused one is answered with a challenge first (RFC 7628 section 3.2.3)."""
    ip = state.line.peer.ip
    found = await state.desk.sign_in.bearer(Method(claim.mechanism), claim.user, claim.token, ip, "imap")
    # "Later" says nothing against the token: a program that heard 401 would throw a good one away.
    if not isinstance(found, Refusal) or found.is_temporary:
        return settle(state, found)
    state.token_refusal = found
    state.line.write(r.challenge(failure_challenge(claim.mechanism, state.desk.configuration_url)))
    state.reader.expect("sasl")
    return None


def settle(state: State, found: Identity | Refusal) -> Answer:
    """Let the client in, or count the failure; the connection is closed after too many."""
    state.exchange = None
    mail = (
        found
        if isinstance(found, Refusal)
        else state.desk.reading.begin(found, state.line.peer.ip, opened=found.opened)
    )
    if isinstance(found, Refusal) or isinstance(mail, Refusal):
        state.sign_in_failures += 1
        if state.sign_in_failures >= state.desk.settings.sign_in_tries:
            state.line.write(r.untagged("BYE Too many failed sign-ins, connect again"))
            state.line.close()
        # Known, but without a box that it may open.
        return (
            refused(found) if isinstance(found, Refusal) else Answer("NO", "No mailbox to open", "AUTHORIZATIONFAILED")
        )
    refusal = state.line.enter_account(int(found.account_id or 0))
    if refusal is not None:
        return refused(refusal)
    state.who, state.mail = found, mail
    state.reader.set_limits(state.desk.limits(signed_in=True))
    return Answer("OK", "Signed in", f"CAPABILITY {capability_words(state)}")


async def do_unauthenticate(state: State, _tag: bytes, _command: c.Command) -> Answer | None:
    """Forget who is there; TLS stays (RFC 8437 section 3)."""
    state.hush()
    state.opened, state.mail, state.who, state.watch = None, None, None, None
    state.enabled.clear()
    state.saved = ()
    state.reader.utf8 = False
    state.line.leave_account()
    state.reader.set_limits(state.desk.limits(signed_in=False))
    return Answer("OK", "Nobody is signed in now")
