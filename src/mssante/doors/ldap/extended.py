"""Operations known by their object identifier: StartTLS and "Who am I?".

Source: RFC 4511 sections 4.12 and 4.14; RFC 4513 section 3; RFC 4532.
"""

from mssante.doors.ldap.state import State
from mssante.wire.ldap.messages import EXTENDED_RESPONSE, Extended
from mssante.wire.ldap.responses import Done
from mssante.wire.ldap.results import START_TLS, WHO_AM_I, ResultCode


async def do_extended(state: State, message_id: int, asked: Extended) -> None:
    """Carry out the operation, or say that it is not known."""
    if asked.oid == START_TLS:
        _start_tls(state, message_id, asked)
    elif asked.oid == WHO_AM_I and asked.value is None:
        name = "" if state.who is None else f"u:{state.who.login}"
        state.answer(message_id, Done(EXTENDED_RESPONSE, ResultCode.SUCCESS, value=name.encode()))
    else:
        state.answer(message_id, Done(EXTENDED_RESPONSE, ResultCode.PROTOCOL_ERROR, "that operation is not known"))


def _start_tls(state: State, message_id: int, asked: Extended) -> None:
    """Begin TLS; what came behind the operation in clear is thrown away (reliability.md A04).

    Source: RFC 4511 section 4.14.1.
    """
    if asked.value is not None:
        code, text = ResultCode.PROTOCOL_ERROR, "StartTLS takes no value"
    elif state.line.is_tls or not state.desk.starttls:
        code, text = ResultCode.OPERATIONS_ERROR, "TLS is there already, or is not for this door"
    else:
        code, text = ResultCode.SUCCESS, ""
    state.answer(message_id, Done(EXTENDED_RESPONSE, code, text, name=START_TLS))
    if code is ResultCode.SUCCESS:
        state.line.start_tls()
