"""One session: which command may come in which state, and what its events lead to.

Source: RFC 9051 section 3 (states), 6 (commands) and 5.5 (several commands at once: here one after the other).
"""

from collections.abc import Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final

from mssante.doors.imap import append, fetch, folders, general, notify, search, select, sharing, sign_in, store
from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.state import Desk, Handler, Line, NumberError, State
from mssante.doors.imap.updates import may_expunge, tell
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import StoreError
from mssante.wire.imap import commands as c
from mssante.wire.imap import framing as f
from mssante.wire.imap import responses as r

ANY, UNKNOWN, KNOWN, SELECTED = "any", "before sign-in", "after sign-in", "with a folder selected"

SIMPLE: Final[Mapping[str, tuple[str, Handler]]] = MappingProxyType(
    {
        "CAPABILITY": (ANY, general.do_capability),
        "NOOP": (ANY, general.do_noop),
        "LOGOUT": (ANY, general.do_logout),
        "STARTTLS": (UNKNOWN, sign_in.do_starttls),
        "NAMESPACE": (KNOWN, folders.do_namespace),
        "IDLE": (KNOWN, notify.do_idle),
        "UNAUTHENTICATE": (KNOWN, sign_in.do_unauthenticate),
        "CHECK": (SELECTED, general.do_noop),
        "CLOSE": (SELECTED, select.do_close),
        "UNSELECT": (SELECTED, select.do_unselect),
        "EXPUNGE": (SELECTED, store.do_expunge),
    }
)
NAMED: Final[Mapping[str, tuple[str, Handler]]] = MappingProxyType(
    {
        "DELETE": (KNOWN, folders.do_delete),
        "SUBSCRIBE": (KNOWN, folders.do_subscribe),
        "UNSUBSCRIBE": (KNOWN, folders.do_subscribe),
        "GETACL": (KNOWN, sharing.do_get_acl),
        "MYRIGHTS": (KNOWN, sharing.do_my_rights),
        "GETQUOTA": (KNOWN, sharing.do_get_quota),
        "GETQUOTAROOT": (KNOWN, sharing.do_get_quota_root),
    }
)
TABLE: Final[Mapping[type, tuple[str, Handler]]] = MappingProxyType(
    {
        c.Id: (ANY, general.do_id),
        c.Login: (UNKNOWN, sign_in.do_login),
        c.Authenticate: (UNKNOWN, sign_in.do_authenticate),
        c.Enable: (KNOWN, general.do_enable),
        c.Compress: (KNOWN, general.do_compress),
        c.Select: (KNOWN, select.do_select),
        c.Status: (KNOWN, select.do_status),
        c.Create: (KNOWN, folders.do_create),
        c.Rename: (KNOWN, folders.do_rename),
        c.List: (KNOWN, folders.do_list),
        c.SetQuota: (KNOWN, sharing.do_set_quota),
        c.SetAcl: (KNOWN, sharing.do_set_acl),
        c.GetMetadata: (KNOWN, sharing.do_get_metadata),
        c.SetMetadata: (KNOWN, sharing.do_set_metadata),
        c.Notify: (KNOWN, notify.do_notify),
        c.Fetch: (SELECTED, fetch.do_fetch),
        c.Store: (SELECTED, store.do_store),
        c.Transfer: (SELECTED, store.do_transfer),
        c.UidExpunge: (SELECTED, store.do_expunge),
        c.Search: (SELECTED, search.do_search),
        c.Sort: (SELECTED, search.do_sort),
        c.ThreadCommand: (SELECTED, search.do_thread),
    }
)
_LONG: Final = (c.Search, c.Sort, c.ThreadCommand)
_OF_MESSAGES: Final = (c.Fetch, c.Store, c.Transfer, c.UidExpunge, c.Search, c.Sort, c.ThreadCommand)
_REMOVES: Final = (c.Transfer, c.UidExpunge)
_READS: Final = (c.Search, c.Sort, c.ThreadCommand, c.List, c.Status)


class Session:
    """The commands of one connection, one after the other."""

    def __init__(self, desk: Desk, line: Line) -> None:
        """Start with nobody signed in."""
        self.state = State(desk, line, f.CommandReader(desk.limits(signed_in=False)))
        self.may_cancel = False
        self.takes_long = False

    @property
    def is_signed_in(self) -> bool:
        """Tell whether the client is known."""
        return self.state.who is not None

    @property
    def is_busy(self) -> bool:
        """Tell whether a message of APPEND is coming in."""
        return self.state.appending is not None

    @property
    def is_waiting(self) -> bool:
        """Tell whether the client waits for news."""
        return self.state.watch is not None or (bool(self.state.idle_tag) and self.state.opened is not None)

    def greet(self) -> None:
        """Say who is here, and what may be done."""
        words = sign_in.capability_words(self.state)
        name = self.state.desk.hostname
        self.state.line.write(r.untagged(f"OK [CAPABILITY {words}] {name} MSSante IMAP ready"))

    def end(self) -> None:
        """Forget what the client had under way: it is gone."""
        self.state.hush()
        append.give_up(self.state)

    def next_step(self) -> Coroutine[Any, Any, None] | None:
        """Return the work that the next event asks for, or None until more bytes come."""
        event = self.state.reader.next()
        self.takes_long = isinstance(event, f.Parsed) and isinstance(event.command, _LONG)
        if event is None:
            return None
        self.may_cancel = isinstance(event, f.Parsed) and _only_reads(event.command)
        return self._handle(event)

    async def push(self) -> None:
        """Tell a client that waits what was committed meanwhile."""
        if self.is_waiting:
            await notify.push(self.state)

    async def _handle(self, event: f.Event) -> None:
        state = self.state
        if isinstance(event, f.Parsed):
            await self._command(event)
        elif isinstance(event, f.GoAhead):
            state.line.write(r.go_ahead())
        elif isinstance(event, f.SaslResponse):
            await self._finish(state.sasl_tag, await sign_in.respond(state, event))
        elif isinstance(event, f.IdleDone):
            await self._finish(state.idle_tag, notify.done(state))
        elif isinstance(event, f.BadCommand):
            self._bad(event)
        else:
            answer = await append.handle(state, event)
            if answer is not None:
                await self._finish(state.append_tag, answer)

    @property
    def is_over(self) -> bool:
        """Tell whether the token that opened the session has ended and the policy closes it."""
        return self.state.who is not None and self.state.desk.sign_in.is_over(self.state.who)

    async def _command(self, event: f.Parsed) -> None:
        command, state = event.command, self.state
        if self.is_over:
            state.line.write(r.untagged("BYE Your token has expired, sign in again"))
            state.line.close()
            return
        where, handler = _row(command)
        refusal = self._out_of_place(where)
        if refusal is not None or handler is None:
            answer: Answer | None = Answer("BAD", refusal or "That command is not known here")
            self._count_bad()
        else:
            try:
                if isinstance(command, _OF_MESSAGES):
                    # A UID may be one that another session has just added: who names it knows of it.
                    uid = getattr(command, "by_uid", True)
                    await tell(state, expunges=uid, uid=uid)
                answer = await handler(state, event.tag, command)
            except NumberError:
                answer = Answer("BAD", "There is no such message number")
            except StoreError:
                answer = refused(Refusal(Kind.STORE_UNAVAILABLE, "store", "Local error, try again later"))
        uid = getattr(command, "by_uid", False)
        own = isinstance(command, _REMOVES) or (isinstance(command, c.Simple) and command.name == "EXPUNGE")
        await self._finish(event.tag, answer, expunges=may_expunge(command), uid=uid, own=own)
        if isinstance(command, c.Compress) and answer is not None and answer.status == "OK":
            state.line.compress()
        if isinstance(command, c.Simple) and command.name == "LOGOUT":
            state.line.close()

    async def _finish(
        self, tag: bytes, answer: Answer | None, *, expunges: bool = True, uid: bool = False, own: bool = False
    ) -> None:
        """Say what is new, then how the command ended (law 1: after the commit, in this place only)."""
        if answer is None:
            return
        if answer.status != "BAD":
            await tell(self.state, expunges=expunges, uid=uid, own=own)
            await notify.fetch_fresh(self.state)
        if self.state.watch is not None and not expunges:
            # What this command had to hold back may be told behind it.
            self.state.line.poke()
        self.state.line.write(r.tagged(tag, answer.status, answer.text, answer.code))

    def _out_of_place(self, where: str) -> str | None:
        state = self.state
        if where == UNKNOWN and state.who is not None:
            return "You are signed in already"
        if where in {KNOWN, SELECTED} and state.who is None:
            return "Sign in first"
        if where == SELECTED and state.opened is None:
            return "Select a mailbox first"
        return None

    def _bad(self, event: f.BadCommand) -> None:
        state = self.state
        append.give_up(state)
        tag = event.tag or (state.sasl_tag if state.exchange else b"*")
        if state.exchange is not None:
            state.exchange = None
            state.reader.expect("command")
        if state.idle_tag:
            notify.done(state)
        state.line.write(r.tagged(tag, "NO" if event.no else "BAD", event.text, event.code))
        if event.fatal:
            state.line.write(r.untagged("BYE There is no telling where your next command begins"))
            state.line.close()
        else:
            self._count_bad()

    def _count_bad(self) -> None:
        state = self.state
        state.bad_commands += 1
        if state.bad_commands > state.desk.settings.bad_commands:
            state.line.write(r.untagged("BYE Too many bad commands"))
            state.line.close()


def _only_reads(command: c.Command) -> bool:
    """Tell whether nothing is lost when the command is stopped half-way: FETCH may mark messages as seen."""
    if isinstance(command, c.Fetch):
        return all(body.peek for body in command.bodies)
    return isinstance(command, _READS)


def _row(command: c.Command) -> tuple[str, Handler | None]:
    if isinstance(command, c.Simple):
        return SIMPLE.get(command.name, (ANY, None))
    if isinstance(command, c.FolderCommand):
        return NAMED.get(command.name, (ANY, None))
    return TABLE.get(type(command), (ANY, None))
