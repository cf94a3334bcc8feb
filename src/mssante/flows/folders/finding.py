"""Evaluate a tree of conditions over the picture of a folder: one bit for each message, the cheap conditions first.

Runs within a transaction. Sets of messages are whole numbers (bit n is the message n), so that "and", "or" and "not"
cost nothing; what must be looked up is asked only of messages that may still be found. Headers that stand in a file or
an object are never read here: `Search.unread` names them, and `mssante.flows.folders.heads` reads them in between.

Source: RFC 9051 section 6.4.4; RFC 5032; RFC 7162 section 3.1.5; decision 0016 (words).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from mssante.model.folder import Snapshot
from mssante.model.message import Body, MessageId
from mssante.model.search import (
    Age,
    All,
    ChangedSince,
    Compare,
    Condition,
    Either,
    Everything,
    HasFlag,
    HasHeader,
    HasId,
    HasText,
    IsNew,
    Not,
    Numbers,
    OnDay,
    SaveDateKnown,
    Size,
    When,
    Where,
)
from mssante.store import indexes
from mssante.store.times import from_micros
from mssante.store.tx import Row, Tx
from mssante.wire.mime.fields import CACHED, select_fields
from mssante.wire.mime.headers import iter_fields
from mssante.wire.mime.words import decode_words

HEAD_MAX_BYTES: Final = 1024 * 1024
UNREAD_MAX: Final = 1000
"""Headers to read that one look gathers; the next one finds the others."""
_MICROS: Final = 1_000_000
_COSTLY: Final = (OnDay, Age, Size)
_COSTLIEST: Final = (HasText, HasHeader)
_IN_WORDS: Final = frozenset({Where.BODY, Where.TEXT})


Question = tuple[bytes, str]
"""What is asked of a header: the name of a field in lower case, and the folded text that it holds."""


class StoppedError(Exception):
    """The search was given up: it took too long, or nobody waits for it any more."""


@dataclass(slots=True)
class Search:
    """One search under way.

    Attributes:
        snapshot: what the session knows; numbers of messages are those of it.
        saved: UIDs that ``$`` stands for.
        now: for ages.
        tick: called now and then; raises `StoppedError` to stop.
        held: message -> the questions that its header answers with yes, of those headers that were read.
        unread: headers that the last look would have needed; while there are any, its result is not one.
        texts: what was found in words, so that a second look does not search again.
    """

    snapshot: Snapshot
    saved: frozenset[int]
    now: datetime
    tick: Callable[[], None]
    facts: dict[int, Row] = field(default_factory=dict)
    headers: dict[int, bytes | None] = field(default_factory=dict)
    questions: frozenset[Question] = frozenset()
    held: dict[int, frozenset[Question]] = field(default_factory=dict)
    unread: dict[MessageId, Body] = field(default_factory=dict)
    texts: dict[tuple[Where, str], int] = field(default_factory=dict)

    @property
    def everything(self) -> int:
        """Return the set of all messages."""
        return (1 << len(self.snapshot.uids)) - 1


async def look(tx: Tx, search: Search, condition: Condition) -> int | None:
    """Return which messages meet a condition, or None: the headers that `search.unread` now names are needed first."""
    search.unread.clear()
    search.questions = _questions(condition)
    found = await _evaluate(tx, search, condition, search.everything)
    return None if search.unread else found


async def _evaluate(tx: Tx, search: Search, condition: Condition, within: int) -> int:
    """Return which of the messages `within` meet a condition; the depth of the tree is bounded by who parsed it.

    A header that was not read yet holds nothing for now: whether another condition needs it too does not change.
    """
    search.tick()
    match condition:
        case All(conditions):
            for one in sorted(conditions, key=cost):
                if not within:
                    break
                within = await _evaluate(tx, search, one, within)
            return within
        case Either(left, right):
            found = await _evaluate(tx, search, left, within)
            return found | await _evaluate(tx, search, right, within & ~found)
        case Not(inner):
            return within & ~await _evaluate(tx, search, inner, within)
        case OnDay() | Age() | Size():
            return await _by_facts(tx, search, condition, within)
        case HasText(where, text):
            return await _by_text(tx, search, where, text, within)
        case HasHeader(name, text):
            return await _by_header(tx, search, name, text, within)
        case _:
            return within & _at_hand(search, condition)


def cost(condition: Condition) -> int:
    """Return how dear a condition is: 0 from the picture at hand, 1 from the index, 2 from words and headers."""
    costs = (2 if isinstance(one, _COSTLIEST) else 1 if isinstance(one, _COSTLY) else 0 for one in _leaves(condition))
    return max(costs, default=0)


def _leaves(condition: Condition) -> Iterator[Condition]:
    """Give the conditions of a tree that are not made of others."""
    todo = [condition]
    while todo:
        one = todo.pop()
        if isinstance(one, All):
            todo.extend(one.conditions)
        elif isinstance(one, Not):
            todo.append(one.condition)
        elif isinstance(one, Either):
            todo += [one.left, one.right]
        else:
            yield one


def _questions(condition: Condition) -> frozenset[Question]:
    """Return all that a tree asks of headers: one that is read answers everything at once."""
    found = set()
    for one in _leaves(condition):
        if isinstance(one, HasHeader):
            found.add(_question(one.name, one.text))
        elif isinstance(one, HasText) and one.where not in _IN_WORDS:
            found.add(_question(one.where.value, one.text))
    return frozenset(found)


def _question(name: str, text: str) -> Question:
    return name.lower().encode("ascii", "replace"), text.casefold()


def members(found: int) -> list[int]:
    """Return the places of the bits that are set, ascending."""
    return [place for place, bit in enumerate(reversed(f"{found:b}")) if bit == "1"]


def _bits(tests: Sequence[bool]) -> int:
    """Return the set of the places that are true."""
    text = "".join(["1" if test else "0" for test in reversed(tests)])
    return int(text, 2) if text else 0


def _at_hand(search: Search, condition: Condition) -> int:
    snapshot = search.snapshot
    match condition:
        case Everything() | SaveDateKnown():
            return search.everything
        case HasFlag(flag, wanted):
            found = _flagged(snapshot, flag)
            return found if wanted else search.everything & ~found
        case IsNew():
            # No message is told as recent (decision 0017), so that none is new in the old sense.
            return 0
        case Numbers(numbers, by_uid, saved):
            if saved or numbers is None:
                return _bits([uid in search.saved for uid in snapshot.uids])
            domain: Sequence[int] = snapshot.uids if by_uid else range(1, len(snapshot.uids) + 1)
            found = 0
            for start, stop in numbers.pick(domain):
                found |= ((1 << (stop - start)) - 1) << start
            return found
        case ChangedSince(modseq):
            return _bits([at >= modseq for at in snapshot.modseqs])
        case HasId(id_, thread):
            return 0 if thread else _bits([f"M{message}" == id_ for message in snapshot.messages])
    return 0


def _flagged(snapshot: Snapshot, flag: str) -> int:
    wanted = flag.casefold()
    # Few different combinations stand in a folder: each is looked at once.
    has = {text: wanted in text.casefold().split() for text in set(snapshot.flags)}
    return _bits([has[text] for text in snapshot.flags])


async def _by_facts(tx: Tx, search: Search, condition: OnDay | Age | Size, within: int) -> int:
    if not search.facts:
        rows = await indexes.sort_rows(tx, search.snapshot.folder_id)
        search.facts = {row[0]: row for row in rows}
    found = 0
    saved = await _saved_at(tx, search) if isinstance(condition, OnDay) and condition.when is When.SAVED else {}
    for place in members(within):
        uid = search.snapshot.uids[place]
        row = search.facts.get(uid)
        if row is not None and _fits(condition, row, saved.get(uid, 0), search.now):
            found |= 1 << place
    return found


async def _saved_at(tx: Tx, search: Search) -> dict[int, int]:
    uids = search.snapshot.uids
    if not uids:
        return {}
    rows = await indexes.fetch_rows(tx, search.snapshot.folder_id, uids[0], uids[-1], len(uids), whole=False)
    return {row[0]: row[4] for row in rows}


def _fits(condition: OnDay | Age | Size, row: Row, saved_at: int, now: datetime) -> bool:
    match condition:
        case Size(bytes_, larger):
            return bool(row[3] > bytes_ if larger else row[3] < bytes_)
        case Age(seconds, younger):
            age = now.timestamp() - row[1] / _MICROS
            return bool(age <= seconds) if younger else bool(age > seconds)
        case OnDay(when, compare, day):
            if when is When.SENT:
                # The day as its author wrote it; a message that names none is none of these.
                return row[11] is not None and _compared(date.fromordinal(row[11]), compare, day)
            return _compared(from_micros(row[1] if when is When.INTERNAL else saved_at).date(), compare, day)


def _compared(at: date, compare: Compare, day: date) -> bool:
    match compare:
        case Compare.BEFORE:
            return at < day
        case Compare.ON:
            return at == day
        case Compare.SINCE:
            return at >= day


async def _by_text(tx: Tx, search: Search, where: Where, text: str, within: int) -> int:
    if where not in _IN_WORDS:
        return await _by_header(tx, search, where.value, text, within)
    if not text:
        return within
    if (where, text) not in search.texts:
        there = await indexes.search_text(tx, search.snapshot.mailbox_id, text, body_only=where is Where.BODY)
        search.texts[where, text] = _bits([message in there for message in search.snapshot.messages])
    return within & search.texts[where, text]


async def _by_header(tx: Tx, search: Search, name: str, text: str, within: int) -> int:
    question = _question(name, text)
    if not search.headers:
        search.headers = await indexes.header_rows(tx, search.snapshot.folder_id)
    found = 0
    for count, place in enumerate(members(within)):
        if count % 64 == 0:
            search.tick()
        uid = search.snapshot.uids[place]
        if uid not in search.headers:
            continue
        kept = search.headers[uid] if question[0] in CACHED else None
        if kept is not None:
            is_there = _holds(kept, question)
        else:
            is_there = question in await _held(tx, search, MessageId(search.snapshot.messages[place]))
        if is_there:
            found |= 1 << place
    return found


async def _held(tx: Tx, search: Search, message: MessageId) -> frozenset[Question]:
    """Return the questions that the header of a message answers with yes; none for now when it is to be read first."""
    if message in search.held:
        return search.held[message]
    if len(search.unread) >= UNREAD_MAX:
        return frozenset()
    body = await indexes.body_of(tx, message)
    if body is None:
        return frozenset()
    if body.data is None:
        search.unread[message] = body
        return frozenset()
    held = search.held[message] = answers(body.data[:HEAD_MAX_BYTES], search.questions)
    return held


def answers(head: bytes, questions: frozenset[Question]) -> frozenset[Question]:
    """Return the questions that a header answers with yes."""
    return frozenset(one for one in questions if _holds(head, one))


def _holds(head: bytes, question: Question) -> bool:
    """Tell whether a field of that name holds the text, decoded; case does not count."""
    key, wanted = question
    lines = select_fields(head, frozenset({key}), without=False)
    for _name, value in iter_fields(lines):
        if not wanted or wanted in decode_words(value.decode("utf-8", "replace")).casefold():
            return True
    return False
