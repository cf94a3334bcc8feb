"""Notes of programs on the server: their own, bounded, and the shared ones to read."""

import pytest
from library import Library, refused
from standins import ANNE, BRUNO

from mssante.flows.folders.annotations import ENTRIES_MAX, VALUE_MAX_BYTES
from mssante.model.mailbox import AccountId
from mssante.store import folders


async def test_keeps_notes_of_the_account_and_shows_the_shared_ones(library: Library) -> None:
    anne, bruno = await library.reader(), await library.reader(BRUNO)
    assert await anne.set_metadata((("/Private/vendor/x", b"1"), ("/private/vendor/x/y", b"2"))) is None
    await library.office.store.write(lambda tx: folders.annotate(tx, AccountId(0), "/shared/comment", b"MSS"))
    assert await anne.metadata(("/private/VENDOR/x",)) == {"/private/vendor/x": b"1"}
    assert len(await anne.metadata(("/private/vendor/x",), 1)) == 2
    assert len(await anne.metadata(("/private/vendor",), 1)) == 1
    assert len(await anne.metadata(("/private",), -1)) == 2
    assert await bruno.metadata(("/private", "/shared"), -1) == {"/shared/comment": b"MSS"}
    assert await anne.set_metadata((("/private/vendor/x", None),)) is None
    assert await anne.metadata(("/private/vendor/x",)) == {}


@pytest.mark.parametrize(
    ("entry", "value", "kind"),
    [
        ("/shared/comment", b"x", "rights-missing"),
        ("/private/", b"x", "parameter-unknown"),
        ("/private/a*", b"x", "parameter-unknown"),
        ("/private/a", b"x" * (VALUE_MAX_BYTES + 1), "message-too-big"),
    ],
)
async def test_refuses(library: Library, entry: str, value: bytes, kind: str) -> None:
    anne = await library.reader()
    assert refused(await anne.set_metadata((("/private/good", b"x"), (entry, value)))) == kind
    assert await anne.metadata(("/private/good",)) == {}


async def test_the_number_of_notes_is_bounded(library: Library) -> None:
    anne = await library.reader()
    values = tuple((f"/private/n{n}", b"x") for n in range(ENTRIES_MAX))
    assert await anne.set_metadata(values) is None
    assert refused(await anne.set_metadata((("/private/more", b"x"),))) == "too-many-folders"


async def test_lists_the_rights_that_may_be_given(library: Library) -> None:
    anne = await library.reader()
    assert await anne.list_rights("INBOX", ANNE) == ("lrswipkxtea", ())
    assert await anne.list_rights("INBOX", BRUNO) == ("", tuple("lrswipkxtea"))
    assert refused(await (await library.reader(BRUNO)).list_rights(f"Autres boîtes/{ANNE}/INBOX", BRUNO)) != ""
