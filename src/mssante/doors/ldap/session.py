"""What one client asked and what is done about it: one operation after the other, a few may wait.

Abandon and Unbind overtake, since they are about what is under way; nothing else does.

Source: RFC 4511 sections 3.1, 4.1.1, 4.3 and 4.11.
"""

from collections import deque
from collections.abc import Coroutine
from typing import Any, Final

from mssante.doors.ldap.bind import do_bind
from mssante.doors.ldap.compare import do_compare
from mssante.doors.ldap.extended import do_extended
from mssante.doors.ldap.search import do_search
from mssante.doors.ldap.state import Desk, Line, State
from mssante.wire.ldap.messages import (
    Abandon,
    Compare,
    Extended,
    Message,
    OtherBind,
    SaslBind,
    Search,
    SimpleBind,
    Unbind,
    Unserved,
    response_tag,
)
from mssante.wire.ldap.reader import Broken
from mssante.wire.ldap.responses import Done, write_notice
from mssante.wire.ldap.results import PAGED_RESULTS, SORTING, ResultCode

_BUSY: Final = "Trop de demandes à la fois : réessayez"


class Session:
    """The operations of one connection; guards those that wait.

    Attributes:
        state: what is known of the client.
        is_over: the client has said goodbye.
    """

    __slots__ = ("_current", "_waiting", "is_over", "state")

    def __init__(self, desk: Desk, line: Line) -> None:
        """Start with somebody anonymous."""
        self.state = State(desk, line, desk.reader())
        self.is_over = False
        self._waiting: deque[Message | Broken] = deque()
        self._current: Message | None = None

    @property
    def is_signed_in(self) -> bool:
        """Tell whether it is known who is there."""
        return self.state.who is not None

    @property
    def is_busy(self) -> bool:
        """Tell whether something waits."""
        return bool(self._waiting)

    @property
    def may_cancel(self) -> bool:
        """Tell whether what is under way may stop in the middle."""
        return self._current is not None and isinstance(self._current.operation, Search | Compare)

    def receive(self, data: bytes) -> None:
        """Take what came; what is about an operation under way is done at once, the rest waits for its turn."""
        self.state.reader.receive(data)
        while not self.is_over and (event := self.state.reader.next()) is not None:
            if isinstance(event, Broken):
                self._waiting.append(event)
            elif isinstance(event.operation, Abandon):
                self._abandon(event.operation.message_id)
            elif isinstance(event.operation, Unbind):
                self.is_over = True
                self._waiting.clear()
            elif len(self._waiting) >= self.state.desk.settings.waiting:
                done = Done(response_tag(event.operation), ResultCode.BUSY, _BUSY)
                self.state.answer(event.message_id, done)
            else:
                self._waiting.append(event)

    def forget(self) -> None:
        """Throw away what came and was not begun: it was said in clear, before TLS."""
        self._waiting.clear()
        self.state.reader.forget()

    def next_step(self) -> Coroutine[Any, Any, None] | None:
        """Return the next operation, None when nothing waits."""
        if not self._waiting:
            return None
        event = self._waiting.popleft()
        if isinstance(event, Broken):
            return self._break_off(event)
        self._current = event
        return self._carry_out(event)

    def ended(self) -> None:
        """Note that what was under way has ended."""
        self._current = None

    def _abandon(self, message_id: int) -> None:
        """Stop a search or a comparison, or take it off the list, without an answer; others go to their end.

        Source: RFC 4511 section 4.11.
        """
        if self._current is not None and self._current.message_id == message_id:
            if self.may_cancel:
                self.state.line.abandon()
            return
        kept = [one for one in self._waiting if not _may_be_abandoned(one, message_id)]
        self._waiting = deque(kept)

    async def _break_off(self, event: Broken) -> None:
        self.state.line.write(write_notice(ResultCode.PROTOCOL_ERROR, event.text))
        self.state.line.close()

    async def _carry_out(self, message: Message) -> None:
        operation = message.operation
        known = {PAGED_RESULTS, SORTING} if isinstance(operation, Search) else set()
        if any(one.is_critical and one.oid not in known for one in message.controls):
            text = "a critical control is not known here"
            done = Done(response_tag(operation), ResultCode.UNAVAILABLE_CRITICAL_EXTENSION, text)
            self.state.answer(message.message_id, done)
            return
        match operation:
            case Search():
                await do_search(self.state, message, operation)
            case Compare():
                await do_compare(self.state, message.message_id, operation)
            case SimpleBind() | SaslBind() | OtherBind():
                await do_bind(self.state, message.message_id, operation)
            case Extended():
                await do_extended(self.state, message.message_id, operation)
            case Unserved(tag, code, text):
                self.state.answer(message.message_id, Done(tag, code, text))


def _may_be_abandoned(event: Message | Broken, message_id: int) -> bool:
    if not isinstance(event, Message) or event.message_id != message_id:
        return False
    return isinstance(event.operation, Search | Compare)
