"""NOTIFY.

Source: RFC 5465 sections 3, 5, 6 and 8.
"""

from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.imap.commands import Fetch, Notify, NotifyEvents
from mssante.wire.imap.grammar_fetch import made_fetch, parse_items
from mssante.wire.imap.scanner import Scanner

GROUPS_MAX: Final = 50
_FILTERS: Final = frozenset(
    {"SELECTED", "SELECTED-DELAYED", "INBOXES", "PERSONAL", "SUBSCRIBED", "SUBTREE", "MAILBOXES"}
)
_OF_MESSAGES: Final = frozenset({"MessageNew", "MessageExpunge", "FlagChange", "AnnotationChange"})
EVENTS: Final = {
    name.upper(): name
    for name in (*_OF_MESSAGES, "MailboxName", "SubscriptionChange", "MailboxMetadataChange", "ServerMetadataChange")
}


def parse_notify(scanner: Scanner) -> Notify:
    """Return NOTIFY NONE or SET."""
    if scanner.try_word(b"NONE"):
        return Notify(status=False, groups=None)
    if not scanner.try_word(b"SET"):
        raise scanner.wrong("SET or NONE")
    scanner.space()
    status = scanner.try_word(b"STATUS")
    if status:
        scanner.space()
    groups = [_group(scanner)]
    while scanner.try_char(b" "):
        groups.append(_group(scanner))
    if len(groups) > GROUPS_MAX:
        raise TheirProtocolError(f"more than {GROUPS_MAX} groups of events")
    if sum(group.filter_.startswith("SELECTED") for group in groups) > 1:
        raise TheirProtocolError("SELECTED and SELECTED-DELAYED stand once")
    return Notify(status, tuple(groups))


def _group(scanner: Scanner) -> NotifyEvents:
    scanner.char(b"(")
    filter_ = scanner.keyword()
    if filter_ not in _FILTERS:
        raise TheirProtocolError(f"unknown NOTIFY filter {filter_[:20]}")
    scanner.space()
    folders: tuple[str, ...] = ()
    if filter_ in {"SUBTREE", "MAILBOXES"}:
        folders = scanner.many(scanner.folder) if scanner.peek() == b"(" else (scanner.folder(),)
        scanner.space()
    fetch: list[Fetch] = []
    events: tuple[str, ...] = ()
    if not scanner.try_word(b"NONE"):
        events = tuple(word for word in scanner.many(lambda: _event(scanner, fetch)) if word)
        if not events:
            raise TheirProtocolError("an empty list of events")
    scanner.char(b")")
    names = set(events)
    is_selected = filter_.startswith("SELECTED")
    if is_selected and not names <= _OF_MESSAGES:
        raise TheirProtocolError("the selected mailbox has events of messages only")
    if fetch and not is_selected:
        raise TheirProtocolError("only MessageNew of the selected mailbox fetches")
    if names & {"MessageNew", "MessageExpunge"} and not {"MessageNew", "MessageExpunge"} <= names:
        raise TheirProtocolError("MessageNew and MessageExpunge go together")
    if "FlagChange" in names and "MessageNew" not in names:
        raise TheirProtocolError("FlagChange needs MessageNew and MessageExpunge")
    return NotifyEvents(filter_, folders, events, fetch[0] if fetch else None)


def _event(scanner: Scanner, fetch: list[Fetch]) -> str:
    if scanner.peek() == b"(":
        # What MessageNew, the event before, fetches by itself.
        if fetch:
            raise TheirProtocolError("MessageNew fetches once")
        items, lazy = parse_items(scanner)
        fetch.append(made_fetch(None, items, by_uid=False, lazy=lazy))
        return ""
    word = scanner.keyword()
    # An unknown one is no error of grammar: the answer names those that there are (RFC 5465 section 3.1).
    return EVENTS.get(word, word)
