"""Each command as a value, whole and byte by byte, good and bad.

Source: RFC 9051 section 9; RFC 3501 section 9; the extensions named at each row.
"""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model import search as q
from mssante.model.numbers import STAR, NumberSet, compact
from mssante.wire.imap import commands as c
from mssante.wire.imap import framing as f
from mssante.wire.imap.capabilities import before_sign_in, signed_in
from mssante.wire.imap.mutf7 import decode_mutf7, encode_mutf7

LIMITS = f.ReaderLimits(64 * 1024, 1_000_000, 50)


def sets(*ranges: tuple[int, int]) -> NumberSet:
    return NumberSet(ranges)


def body(label: bytes, kind: c.SectionKind = c.SectionKind.ALL, **more: object) -> c.BodyItem:
    return c.BodyItem(label, kind, **more)  # type: ignore[arg-type]


GOOD = [
    (b"CAPABILITY", c.Simple("CAPABILITY")),
    (b"noop", c.Simple("NOOP")),
    (b"UNAUTHENTICATE", c.Simple("UNAUTHENTICATE")),
    (b'LOGIN anne "mot \\"de\\" passe"', c.Login("anne", 'mot "de" passe')),
    (b"LOGIN {4}\r\nanne {3+}\r\nabc", c.Login("anne", "abc")),
    (b"AUTHENTICATE PLAIN", c.Authenticate("PLAIN", None)),
    (b"AUTHENTICATE PLAIN =", c.Authenticate("PLAIN", b"")),
    (b"AUTHENTICATE xoauth2 YWJj", c.Authenticate("XOAUTH2", b"abc")),
    (b"ENABLE CONDSTORE utf8=accept", c.Enable(("CONDSTORE", "UTF8=ACCEPT"))),
    (b"ID NIL", c.Id(None)),
    (b'ID ("Name" "Thunderbird" "os" NIL)', c.Id((("name", "Thunderbird"), ("os", None)))),
    (b"COMPRESS DEFLATE", c.Compress("DEFLATE")),
    (b"SELECT inbox", c.Select("INBOX", read_only=False)),
    (b'EXAMINE "Envoy&AOk-s"', c.Select("Envoyés", read_only=True)),
    (b"SELECT INBOX (CONDSTORE)", c.Select("INBOX", read_only=False, condstore=True)),
    (
        b"SELECT INBOX (QRESYNC (7 90060115194045000 41,43:211 (1:10 41:50)))",
        c.Select(
            "INBOX",
            read_only=False,
            qresync=c.QResync(7, 90060115194045000, sets((41, 41), (43, 211)), sets((1, 10)), sets((41, 50))),
        ),
    ),
    (b"SELECT INBOX (QRESYNC (7 20))", c.Select("INBOX", read_only=False, qresync=c.QResync(7, 20))),
    (b"CREATE Patients (USE (\\Drafts))", c.Create("Patients", ("Drafts",))),
    (b'DELETE "a/b"', c.FolderCommand("DELETE", "a/b")),
    (b"RENAME INBOX old", c.Rename("INBOX", "old")),
    (b"STATUS INBOX (MESSAGES UIDNEXT)", c.Status("INBOX", ("MESSAGES", "UIDNEXT"))),
    (b'LIST "" *', c.List("", ("*",))),
    (b'LSUB "" "%"', c.List("", ("%",), select=("SUBSCRIBED",), lsub=True)),
    (
        b'LIST (SUBSCRIBED RECURSIVEMATCH) "" ("a%" b*) RETURN (CHILDREN STATUS (MESSAGES))',
        c.List("", ("a%", "b*"), ("SUBSCRIBED", "RECURSIVEMATCH"), ("CHILDREN",), ("MESSAGES",), extended=True),
    ),
    (b"FETCH 1:* FAST", c.Fetch(sets((1, STAR)), by_uid=False, items=("FLAGS", "INTERNALDATE", "RFC822.SIZE"))),
    (
        b'UID FETCH 5 (UID BODY.PEEK[HEADER.FIELDS (Date "X y")] BODY[1.2.MIME]<0.10>)',
        c.Fetch(
            sets((5, 5)),
            by_uid=True,
            items=("UID",),
            bodies=(
                body(
                    b'BODY[HEADER.FIELDS (Date "X y")]',
                    c.SectionKind.HEADER_FIELDS,
                    fields=(b"Date", b"X y"),
                    peek=True,
                ),
                body(b"BODY[1.2.MIME]", c.SectionKind.MIME, path=(1, 2), partial=(0, 10)),
            ),
        ),
    ),
    (
        b"FETCH $ (RFC822.HEADER BINARY[1] BINARY.SIZE[2])",
        c.Fetch(
            None,
            by_uid=False,
            items=(),
            bodies=(
                body(b"RFC822.HEADER", c.SectionKind.HEADER, peek=True),
                body(b"BINARY[1]", path=(1,), binary=True),
                body(b"BINARY.SIZE[2]", path=(2,), binary=True, peek=True, size_only=True),
            ),
        ),
    ),
    (
        b"UID FETCH 1:9 (FLAGS) (CHANGEDSINCE 12 VANISHED)",
        c.Fetch(sets((1, 9)), by_uid=True, items=("FLAGS",), changed_since=12, vanished=True),
    ),
    (b"FETCH 1 PREVIEW (LAZY)", c.Fetch(sets((1, 1)), by_uid=False, items=("PREVIEW",), lazy_preview=True)),
    (b"STORE 1 FLAGS (\\Seen Important)", c.Store(sets((1, 1)), False, c.StoreMode.REPLACE, ("\\Seen", "Important"))),
    (
        b"UID STORE 1,4 (UNCHANGEDSINCE 3) -FLAGS.SILENT \\Deleted",
        c.Store(sets((1, 1), (4, 4)), True, c.StoreMode.REMOVE, ("\\Deleted",), silent=True, unchanged_since=3),
    ),
    (b"COPY 2:4 Corbeille", c.Transfer(sets((2, 4)), by_uid=False, folder="Corbeille", move=False)),
    (b"UID MOVE * Archives", c.Transfer(sets((STAR, STAR)), by_uid=True, folder="Archives", move=True)),
    (b"UID EXPUNGE 3:5", c.UidExpunge(sets((3, 5)))),
    (b"SEARCH UNSEEN", c.Search(q.HasFlag("\\Seen", wanted=False), by_uid=False)),
    (
        b"UID SEARCH RETURN (MIN COUNT) CHARSET UTF-8 OR FROM paul NOT SUBJECT {6}\r\n\xc3\xa9t\xc3\xa9s",
        c.Search(
            q.Either(q.HasText(q.Where.FROM, "paul"), q.Not(q.HasText(q.Where.SUBJECT, "étés"))),
            by_uid=True,
            returns=("MIN", "COUNT"),
        ),
    ),
    (
        b'SEARCH 1:3 (SENTSINCE 1-Feb-2026 LARGER 10) YOUNGER 60 MODSEQ "/flags/\\\\Seen" all 5',
        c.Search(
            q.All(
                (
                    q.Numbers(sets((1, 3)), by_uid=False),
                    q.All((q.OnDay(q.When.SENT, q.Compare.SINCE, date(2026, 2, 1)), q.Size(10, larger=True))),
                    q.Age(60, younger=True),
                    q.ChangedSince(5),
                )
            ),
            by_uid=False,
        ),
    ),
    (
        b"SORT (REVERSE DATE SUBJECT) UTF-8 ALL",
        c.Sort((q.SortKey(q.SortBy.DATE, reverse=True), q.SortKey(q.SortBy.SUBJECT)), q.Everything(), by_uid=False),
    ),
    (b"UID THREAD REFERENCES US-ASCII ALL", c.ThreadCommand(q.Threading.REFERENCES, q.Everything(), by_uid=True)),
    (b"SETACL Suivi anne +lrs", c.SetAcl("Suivi", "anne", c.StoreMode.ADD, "lrs")),
    (b"LISTRIGHTS Suivi anne", c.SetAcl("Suivi", "anne", listing=True)),
    (b"DELETEACL Suivi anne", c.SetAcl("Suivi", "anne")),
    (b"GETQUOTAROOT INBOX", c.FolderCommand("GETQUOTAROOT", "INBOX")),
    (b'SETQUOTA "" (STORAGE 512)', c.SetQuota("", (("STORAGE", 512),))),
    (
        b'GETMETADATA (MAXSIZE 100 DEPTH infinity) "" (/shared/comment /private/comment)',
        c.GetMetadata("", ("/shared/comment", "/private/comment"), 100, -1),
    ),
    (b'SETMETADATA "" (/private/comment NIL)', c.SetMetadata("", (("/private/comment", None),))),
    (b"NOTIFY NONE", c.Notify(status=False, groups=None)),
    (
        b"NOTIFY SET STATUS (SELECTED (MessageNew (FLAGS) MessageExpunge)) (SUBTREE Patients NONE)",
        c.Notify(
            status=True,
            groups=(
                c.NotifyEvents(
                    "SELECTED",
                    (),
                    ("MessageNew", "MessageExpunge"),
                    c.Fetch(None, by_uid=False, items=("FLAGS",)),
                ),
                c.NotifyEvents("SUBTREE", ("Patients",), ()),
            ),
        ),
    ),
]
BAD = [
    b"",
    b"BOGUS",
    b"LOGIN anne",
    b"LOGIN anne abc more",
    b"LOGIN {2}\r\n\xff\xff abc",
    b"SELECT",
    b"SELECT INBOX (MAGIC)",
    b"SELECT &AAA",
    b'SELECT "a',
    b'SELECT "a\x00b"',
    b"FETCH 0 FLAGS",
    b"FETCH 1:4294967296 FLAGS",
    b"FETCH 1 ()",
    b"FETCH 1 BOGUS",
    b"FETCH 1 BODY[0]",
    b"FETCH 1 BODY[1.]",
    b"FETCH 1 BODY[MIME]",
    b"FETCH 1 BODY[HEADER.FIELDS ()]",
    b"FETCH 1 BODY[]<0.0>",
    b"FETCH 1 BINARY[HEADER]",
    b"FETCH 1:9 FLAGS (CHANGEDSINCE 1 VANISHED)",
    b"STORE 1 FLAGS (\\*)",
    b"STORE 1 FLAG (\\Seen)",
    b"STORE 1 (UNCHANGEDSINCE x) FLAGS (\\Seen)",
    b"SEARCH",
    b"SEARCH BOGUS",
    b"SEARCH ON 31-Feb-2026",
    b"SEARCH ()",
    b"SEARCH YOUNGER 0",
    b"SEARCH RETURN (BOGUS) ALL",
    b"SORT () UTF-8 ALL",
    b"SORT (BOGUS) UTF-8 ALL",
    b"THREAD MAGIC UTF-8 ALL",
    b"STATUS INBOX ()",
    b"STATUS INBOX (BOGUS)",
    b'LIST (BOGUS) "" *',
    b'LIST (RECURSIVEMATCH) "" *',
    b'LIST "" * RETURN (BOGUS)',
    b"SETACL Suivi anne LRS",
    b'SETMETADATA "" (/other/x NIL)',
    b'SETMETADATA "" (/shared/x)',
    b"NOTIFY SET (SELECTED (MessageNew))",
    b"NOTIFY SET (BOGUS (MessageNew MessageExpunge))",
    b"NOTIFY SET (SELECTED (MailboxName))",
    b"NOTIFY SET (SELECTED NONE) (SELECTED-DELAYED NONE)",
    b"NOTIFY SET (PERSONAL (MessageNew (UID) MessageExpunge))",
    b"NOTIFY SET (SELECTED (MessageNew (UID) (FLAGS) MessageExpunge))",
    b"NOTIFY SET (PERSONAL (FlagChange))",
    b"NOTIFY SET (PERSONAL ())",
    b"AUTHENTICATE PLAIN ***",
    b"ID (a)",
    b'ID (NIL "x")',
    b'ID ("x")',
    b"AUTHENTICATE PLAIN =AAAA",
    b'CREATE "a\rb"',
    b'LIST "" ()',
    b"FETCH 1 BODY[HEADER.FIELDS ({4+}\r\na\r\nb)]",
    b'FETCH 1 BODY[HEADER.FIELDS ("a:b")]',
    b"NOOP more",
    b"UID NOOP",
    b"SEARCH " + b"(" * 60 + b"ALL" + b")" * 60,
    b"SEARCH " + b"NOT " * 60 + b"ALL",
]


def read(data: bytes, *, bytewise: bool = False, limits: f.ReaderLimits = LIMITS) -> list[f.Event]:
    """Return every event, without the go-aheads."""
    reader = f.CommandReader(limits)
    found: list[f.Event] = []
    for piece in [data[at : at + 1] for at in range(len(data))] if bytewise else [data]:
        reader.receive(piece)
        while (event := reader.next()) is not None:
            found.append(event)
    return found


def joined(events: list[f.Event]) -> list[f.Event]:
    """Return the events with the bytes of messages put together, without the go-aheads."""
    found: list[f.Event] = []
    for event in events:
        if isinstance(event, f.AppendData) and found and isinstance(found[-1], f.AppendData):
            found[-1] = f.AppendData(found[-1].data + event.data)
        elif not isinstance(event, f.GoAhead):
            found.append(event)
    return found


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("text", "command"), GOOD, ids=[row[0].decode("latin1")[:40] for row in GOOD])
def test_a_command_is_a_value(text: bytes, command: c.Command, bytewise: bool) -> None:
    assert joined(read(b"a1 " + text + b"\r\n", bytewise=bytewise)) == [f.Parsed(b"a1", command)]


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("text", BAD, ids=[row.decode("latin1")[:40] for row in BAD])
def test_another_text_is_no_command_and_the_next_one_is_read(text: bytes, bytewise: bool) -> None:
    events = joined(read(b"a1 " + text + b"\r\na2 NOOP\r\n", bytewise=bytewise))
    assert isinstance(events[0], f.BadCommand), events
    assert not events[0].fatal
    assert events[-1] == f.Parsed(b"a2", c.Simple("NOOP"))


@pytest.mark.parametrize(
    ("end", "fatal"),
    [
        (b"APPEND INBOX UTF8 ({1}\r\nx\r\n", False),
        (b"APPEND INBOX {1}\r\nx)\r\n", False),
        (b"APPEND INBOX UTF8 ({1}\r\nx {1}\r\n", False),
        (b"APPEND INBOX UTF8 ({1}\r\nx {1+}\r\ny\r\n", True),
        (b"APPEND INBOX {1}\r\nx) {1}\r\n", False),
        (b"REPLACE 1 INBOX {1}\r\nx {1}\r\n", False),
        (b"REPLACE 1 INBOX {1}\r\nx {1+}\r\ny\r\n", True),
        (b'APPEND "a\rb" {1}\r\n', False),
        (b'APPEND "a\rb" {1+}\r\nx\r\n', True),
    ],
)
def test_an_append_that_does_not_end_as_it_began_is_bad(end: bytes, fatal: bool) -> None:
    bad = [event for event in read(b"a " + end) if isinstance(event, f.BadCommand)]
    assert bad
    assert (bad[0].tag, bad[0].fatal) == (b"a", fatal)


def test_an_unknown_charset_is_told_apart() -> None:
    (event,) = read(b"a SEARCH CHARSET KOI8-R TEXT x\r\n")
    assert isinstance(event, f.BadCommand)
    assert (event.code, event.no) == ("BADCHARSET (UTF-8)", True)


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "byte by byte"])
def test_messages_of_append_are_a_stream(bytewise: bool) -> None:
    data = (
        b'a APPEND "Envoy&AOk-s" (\\Seen) "17-Jul-2026 02:44:25 +0200" {5}\r\nab\r\nc (\\Draft) {2+}\r\nde\r\n'
        b"b APPEND {5}\r\nINBOX {1}\r\nx\r\nc REPLACE 3 INBOX ~{2}\r\n\x00y\r\nd APPEND INBOX UTF8 (~{1}\r\nz)\r\ne NOOP\r\n"
    )
    moment = datetime(2026, 7, 17, 0, 44, 25, tzinfo=UTC)
    assert joined(read(data, bytewise=bytewise)) == [
        f.AppendBegin(b"a", c.Append("Envoyés")),
        f.AppendNext(c.AppendItem(("\\Seen",), moment, 5), synchronising=True),
        f.AppendData(b"ab\r\nc"),
        f.AppendMessageEnd(),
        f.AppendNext(c.AppendItem(("\\Draft",), None, 2), synchronising=False),
        f.AppendData(b"de"),
        f.AppendMessageEnd(),
        f.AppendEnd(),
        f.AppendBegin(b"b", c.Append("INBOX")),
        f.AppendNext(c.AppendItem((), None, 1), synchronising=True),
        f.AppendData(b"x"),
        f.AppendMessageEnd(),
        f.AppendEnd(),
        f.AppendBegin(b"c", c.Append("INBOX", 3)),
        f.AppendNext(c.AppendItem((), None, 2, binary=True), synchronising=True),
        f.AppendData(b"\x00y"),
        f.AppendMessageEnd(),
        f.AppendEnd(),
        f.AppendBegin(b"d", c.Append("INBOX")),
        f.AppendNext(c.AppendItem((), None, 1, binary=True), synchronising=True),
        f.AppendData(b"z"),
        f.AppendMessageEnd(),
        f.AppendEnd(),
        f.Parsed(b"e", c.Simple("NOOP")),
    ]


@pytest.mark.parametrize(
    ("data", "fatal"),
    [
        (b"a LOGIN {4294967295}\r\n", False),
        (b"a LOGIN {99999999999999999999}\r\n", False),
        (b"a LOGIN {2000000000+}\r\n", True),
        (b"a APPEND INBOX {2000000}\r\n", False),
        (b"a APPEND INBOX {2000000+}\r\n", True),
        (b"a NOOP " + b"x" * 70_000, True),
        (b"a LOGIN " + b"{0+}\r\n " * 2000 + b"\r\n", True),
    ],
)
def test_too_much_is_refused_before_it_is_kept(data: bytes, fatal: bool) -> None:
    events = [event for event in read(data) if isinstance(event, f.BadCommand)]
    assert events[0].code == "TOOBIG", events
    assert events[0].fatal is fatal


def test_ten_thousand_brackets_are_told_in_words() -> None:
    (event,) = read(b"a FETCH 1 " + b"(" * 10_000 + b"\r\n")
    assert isinstance(event, f.BadCommand)
    (event,) = read(b"a SEARCH " + b"(" * 10_000 + b"\r\n")
    assert isinstance(event, f.BadCommand)
    assert "deep" in event.text


@given(st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc"))))
def test_names_survive_modified_utf_7(name: str) -> None:
    encoded = encode_mutf7(name)
    assert encoded.isascii()
    assert decode_mutf7(encoded.decode()) == name


@given(st.lists(st.integers(1, 10_000), unique=True))
def test_a_set_is_the_numbers_it_was_made_of(numbers: list[int]) -> None:
    ordered = sorted(numbers)
    text = compact(ordered)
    if not text:
        assert not ordered
        return
    (event,) = read(b"a UID EXPUNGE " + text.encode() + b"\r\n")
    assert isinstance(event, f.Parsed)
    assert isinstance(event.command, c.UidExpunge)
    assert event.command.numbers is not None
    resolved = event.command.numbers.resolve(20_000)
    assert [one for low, high in resolved for one in range(low, high + 1)] == ordered


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(c.Login("anne", "secret"))
    assert "secret" not in repr(c.Authenticate("PLAIN", b"secret"))
    assert "secret" not in repr(f.SaslResponse(b"secret"))


def test_what_is_advertised_depends_on_where_we_are() -> None:
    clear = before_sign_in(tls=False, starttls=True, mechanisms=("PLAIN",))
    assert "LOGINDISABLED" in clear
    assert "AUTH=" not in clear
    assert "STARTTLS" not in before_sign_in(tls=True, starttls=True, mechanisms=("PLAIN",))
    known = signed_in(append_bytes=10, compressed=True)
    assert "COMPRESS" not in known
    assert "APPENDLIMIT=10" in known


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "byte by byte"])
def test_a_line_of_exactly_the_limit_is_read(bytewise: bool) -> None:
    limits = f.ReaderLimits(20, 100, 5)
    line = b"a ID NIL".ljust(20) + b"\r\n"
    (event,) = read(line, bytewise=bytewise, limits=limits)
    assert isinstance(event, f.BadCommand)
    assert event.code == ""
    event = read(b"x" + line, bytewise=bytewise, limits=limits)[0]
    assert isinstance(event, f.BadCommand)
    assert event.code == "TOOBIG"


def test_there_is_no_message_0_to_replace() -> None:
    (event,) = read(b"a REPLACE 0 INBOX {1}\r\n")
    assert isinstance(event, f.BadCommand)


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "byte by byte"])
def test_a_response_that_is_too_long_is_refused(bytewise: bool) -> None:
    reader = f.CommandReader(LIMITS)
    reader.expect("sasl")
    data = b"A" * (f.SASL_MAX_BYTES + 4) + b"\r\n"
    found: list[f.Event] = []
    for piece in [data[at : at + 1000] for at in range(0, len(data), 1000)] if bytewise else [data]:
        reader.receive(piece)
        while (event := reader.next()) is not None:
            found.append(event)
    assert isinstance(found[0], f.BadCommand)
    assert found[0].fatal


@pytest.mark.parametrize(
    "data", [b'"a1 APPEND INBOX {3}\r\n', b'a"b APPEND x {3}\r\n', b" APPEND {3+}\r\n", b"( REPLACE 1 x {3}\r\n"]
)
def test_an_append_without_a_tag_is_no_accident(data: bytes) -> None:
    events = read(data + b"abc\r\n")
    assert isinstance(events[-1], f.BadCommand)
