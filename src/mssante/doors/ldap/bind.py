"""Who is there: simple bind and SASL PLAIN inside TLS, EXTERNAL with a client certificate, anonymous for the root.

A name is only ever compared, never looked up in the tree: there is nothing to inject into.

Source: RFC 4511 section 4.2; RFC 4513 sections 5 and 6; reliability.md D08, D09.
"""

from typing import Final

from mssante.doors.ldap.refusals import refused
from mssante.doors.ldap.state import State
from mssante.model.decision import Kind, Refusal
from mssante.model.dn import parse_dn
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import Identity
from mssante.wire.ldap.messages import BIND_RESPONSE, Bind, OtherBind, SaslBind, SimpleBind
from mssante.wire.ldap.responses import Done
from mssante.wire.ldap.results import ResultCode
from mssante.wire.sasl import exchange as sasl

_TLS_FIRST: Final = Refusal(
    Kind.TLS_REQUIRED,
    "tls",
    "TLS is needed before signing in",
    "",
    "Connexion chiffrée obligatoire : activez SSL/TLS ou StartTLS dans les réglages de l'annuaire.",
)
_FAILED: Final = Refusal(
    Kind.SIGN_IN_FAILED,
    "ldap-bind",
    "Authentication failed",
    "",
    "Identifiant ou mot de passe d'application incorrect : vérifiez les réglages de l'annuaire.",
)


async def do_bind(state: State, message_id: int, bind: Bind) -> None:
    """Sign in; whatever comes of it, who was there before is not there any more.

    Source: RFC 4511 section 4.2.1 (a bind begins with an anonymous session, and a failed one leaves it so).
    """
    state.forget()
    found = await _judge(state, bind)
    if isinstance(found, Identity):
        found = _let_in(state, found)
    if isinstance(found, Refusal):
        _count_failure(state, found)
        found = refused(BIND_RESPONSE, found)
    state.answer(message_id, found)


async def _judge(state: State, bind: Bind) -> Identity | Refusal | Done:
    if bind.version != 3:
        return Done(BIND_RESPONSE, ResultCode.PROTOCOL_ERROR, "only version 3 is spoken here")
    if isinstance(bind, OtherBind):
        return Done(BIND_RESPONSE, ResultCode.AUTH_METHOD_NOT_SUPPORTED, "simple and SASL only")
    if isinstance(bind, SimpleBind) and not bind.password:
        return _without_password(bind)
    if not state.line.is_tls:
        return _TLS_FIRST
    if isinstance(bind, SimpleBind):
        return await _password(state, login_of(bind.name), bind.password)
    return await _sasl(state, bind)


def _without_password(bind: SimpleBind) -> Done:
    """Let an anonymous client be; a name without password would pass for a sign-in where it is none.

    Source: RFC 4513 section 5.1.2.
    """
    if not bind.name:
        return Done(BIND_RESPONSE, ResultCode.SUCCESS)
    return Done(BIND_RESPONSE, ResultCode.UNWILLING_TO_PERFORM, "Mot de passe d'application manquant")


async def _password(state: State, login: str, password: bytes) -> Identity | Refusal:
    try:
        text = password.decode()
        login.encode()
    except UnicodeError:
        return _FAILED
    if not login or len(login) > sasl.NAME_MAX_BYTES or len(password) > sasl.PASSWORD_MAX_BYTES:
        return _FAILED
    return await state.desk.sign_in.password(login, text, "", state.line.peer.ip, state.desk.service)


async def _sasl(state: State, bind: SaslBind) -> Identity | Refusal | Done:
    if bind.mechanism not in state.desk.mechanisms:
        return Done(BIND_RESPONSE, ResultCode.AUTH_METHOD_NOT_SUPPORTED, "that mechanism is not known")
    try:
        # Both mechanisms begin with the client: nothing said is an empty name for EXTERNAL, an error for PLAIN.
        step = sasl.start(bind.mechanism).step(bind.credentials or b"")
    except TheirProtocolError:
        return _FAILED
    if isinstance(step, sasl.PlainCredentials):
        if _authorization(step.authzid).casefold() not in {"", login_of(step.authcid).casefold()}:
            return _FAILED
        return await _password(state, login_of(step.authcid), step.password.encode())
    if isinstance(step, sasl.ExternalClaim):
        return await state.desk.sign_in.certificate(state.line.peer, _authorization(step.authzid))
    return _FAILED


def login_of(name: str) -> str:
    """Return the login that a name means: the ``mail`` or ``uid`` of a distinguished name, else the name itself."""
    if "=" not in name:
        return name
    try:
        parsed = parse_dn(name)
    except TheirProtocolError:
        return name
    return parsed.first("MAIL") or parsed.first("EMAILADDRESS") or parsed.first("UID") or name


def _authorization(authzid: str) -> str:
    """Return whom an authorization identity names.

    Source: RFC 4513 section 5.2.1.8.
    """
    if authzid.startswith("u:"):
        return authzid[2:]
    return login_of(authzid[3:]) if authzid.startswith("dn:") else authzid


def _let_in(state: State, who: Identity) -> Done | Refusal:
    refusal = state.line.enter_account(int(who.account_id or 0))
    if refusal is not None:
        return refusal
    state.who = who
    state.sign_in_failures = 0
    state.reader.set_limit(state.desk.settings.message_bytes)
    return Done(BIND_RESPONSE, ResultCode.SUCCESS)


def _count_failure(state: State, refusal: Refusal) -> None:
    """Close behind the answer after too many; a client that only forgot TLS guesses nothing."""
    if refusal.kind is Kind.TLS_REQUIRED:
        return
    state.sign_in_failures += 1
    if state.sign_in_failures >= state.desk.settings.sign_in_tries:
        state.line.close()
