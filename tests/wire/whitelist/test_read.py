import codecs
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mssante.model.dn import parse_dn
from mssante.model.errors import TheirProtocolError
from mssante.model.whitelist import Entry
from mssante.wire.whitelist.read import ListLimits, read_white_list
from mssante.wire.whitelist.write import write_white_list

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DN = "CN=mss.ch-exemple.fr,OU=1990000001,O=CH EXEMPLE,ST=Paris (75),C=FR"
SPEC = """<?xml version="1.0" encoding="UTF-8"?><ListeBlancheMSSante xmlns="https://listeblanche.mssante.fr/schema">
    <DateDeGeneration>2026-01-02T03:04:05Z</DateDeGeneration>
    <ListeDomaines>
        <Domaine>
            <Nom>ch-exemple.mssante.fr</Nom>
            <Description>CH EXEMPLE</Description>
            <DNCertificatOperateur>CN=mss.ch-exemple.fr,OU=1990000001,O=CH EXEMPLE,ST=Paris (75),C=FR</DNCertificatOperateur>
            <ResponsableContact>contact</ResponsableContact>
            <SupportContact>support</SupportContact>
            <DateMAJ>2026-01-01T00:00:00Z</DateMAJ>
        </Domaine>
    </ListeDomaines>
</ListeBlancheMSSante>
"""


def entry(domain: str = "ch-exemple.mssante.fr", dn: str = DN, **texts: str) -> Entry:
    found = {"description": "", "responsible": "", "support": "", **texts}
    return Entry(domain=domain, dn=parse_dn(dn), dn_text=dn, updated_at=NOW, **found)


def with_name(name: str) -> bytes:
    return SPEC.replace("<Nom>ch-exemple.mssante.fr</Nom>", name).encode()


def test_reads_the_example_of_the_specification() -> None:
    found = read_white_list(SPEC.encode())
    assert found.version == "2026-01-02T03:04:05Z"
    assert found.entries[0].description == "CH EXEMPLE"
    assert found.entries[0].updated_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.keys == {"ch-exemple.mssante.fr": {parse_dn(DN).key}}


def test_writes_exactly_the_national_format() -> None:
    one = entry(description="CH EXEMPLE", responsible="contact", support="support")
    written = write_white_list(NOW, [Entry(**{**_fields(one), "updated_at": datetime(2026, 1, 1, tzinfo=UTC)})])
    assert written.decode() == SPEC


def _fields(one: Entry) -> dict[str, object]:
    return {name: getattr(one, name) for name in Entry.__dataclass_fields__}


def test_reads_the_real_extract_with_its_dirt(shared: Path) -> None:
    found = read_white_list((shared / "data/whitelist/liste-blanche-sample.xml").read_bytes())
    assert len(found.entries) + len(found.bad) == 542
    assert [bad.name for bad in found.bad] == ["sessad@ase.ditepbeziers.mssante.fr"]
    assert found.bad[0].line > 4000
    assert "uc-cmp.mssante.fr" in found.names
    assert all(domain == domain.lower() for domain in found.names)
    assert len(found.all_keys) < 100


def test_rewriting_the_real_extract_loses_nothing(shared: Path) -> None:
    found = read_white_list((shared / "data/whitelist/liste-blanche-sample.xml").read_bytes())
    again = read_white_list(write_white_list(found.generated_at, found.entries))
    assert again.entries == found.entries
    assert again.bad == ()


@pytest.mark.parametrize(
    "name",
    [
        "<Nom>a@b.fr</Nom>",
        "<Nom>évreux.mssante.fr</Nom>",
        "<Nom>localhost</Nom>",
        "<Nom>127.0.0.1</Nom>",
        "<Nom>*.mssante.fr</Nom>",
        "<Nom>mssante.fr.</Nom>",
        "<Nom></Nom>",
        "",
        "<Nom>evil.fr<!-- -->.mssante.fr</Nom>",
        "<Nom>evil.fr<b/></Nom>",
        "<Nom>a.fr</Nom><Nom>b.fr</Nom>",
        f"<Nom>{'a' * 64}.fr</Nom>",
    ],
)
def test_leaves_a_bad_entry_out_and_keeps_the_others(name: str) -> None:
    good = write_white_list(NOW, [entry("good.fr")]).decode().split("<ListeDomaines>")[1].split("</ListeDomaines>")[0]
    data = with_name(name).replace(b"</ListeDomaines>", good.encode() + b"</ListeDomaines>")
    found = read_white_list(data)
    assert list(found.names) == ["good.fr"]
    assert len(found.bad) == 1
    assert found.bad[0].line == 4
    assert found.bad[0].reason


def test_keeps_an_entry_whose_date_is_missing_and_leaves_one_without_certificate_out() -> None:
    assert read_white_list(SPEC.replace("2026-01-01T00:00:00Z", "hier").encode()).entries[0].updated_at is None
    assert read_white_list(SPEC.replace(f"{DN}</DN", "</DN").encode()).bad


def test_tolerates_duplicates_and_several_certificates_per_domain() -> None:
    other = DN.replace("mss.", "mss2.")
    found = read_white_list(write_white_list(NOW, [entry(), entry(), entry(dn=other)]))
    assert len(found.entries) == 3
    assert len(found.names["ch-exemple.mssante.fr"]) == 2


@pytest.mark.parametrize("tail", ["<X xmlns='urn:x'><Y/></X>", "<Autre>z</Autre>", "<!-- fin -->", "<?pi x?>"])
def test_passes_over_what_follows_the_domains(tail: str) -> None:
    data = SPEC.replace("</ListeBlancheMSSante>", f"{tail}</ListeBlancheMSSante>").encode()
    assert len(read_white_list(data).entries) == 1


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 11))
HEAD, BODY = SPEC.split("?>", 1)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE x>",
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "ftp://127.0.0.1/p">%p;]>',
        f'<!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]>',
        f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>',
    ],
    ids=["empty", "external", "file", "parameter", "laughs", "quadratic"],
)
def test_refuses_every_document_type(doctype: str) -> None:
    with pytest.raises(TheirProtocolError, match="document type"):
        read_white_list(f"{HEAD}?>{doctype}{BODY}".encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_refuses_encodings_that_could_hide_a_document_type(encoding: str) -> None:
    with pytest.raises(TheirProtocolError, match="UTF-8"):
        read_white_list(SPEC.replace("UTF-8", encoding).encode(encoding))


@pytest.mark.parametrize("name", ["UTF-7", "ISO-8859-1", "IBM037"])
def test_refuses_another_declared_encoding(name: str) -> None:
    with pytest.raises(TheirProtocolError, match="UTF-8"):
        read_white_list(SPEC.replace("UTF-8", name).encode())


def test_reads_a_list_with_a_byte_order_mark() -> None:
    assert read_white_list(codecs.BOM_UTF8 + SPEC.encode()).entries


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        SPEC.encode()[:400],
        b"<ListeBlancheMSSante/>",
        SPEC.replace("listeblanche.mssante.fr/schema", "other/schema").encode(),
        SPEC.replace("<DateDeGeneration>2026-01-02T03:04:05Z</DateDeGeneration>", "").encode(),
        SPEC.replace("2026-01-02T03:04:05Z", "2026-13-02T03:04:05Z").encode(),
        SPEC.replace("2026-01-02T03:04:05Z", "2026-01-02 03:04:05Z").encode(),
        SPEC.replace(
            "</DateDeGeneration>", "</DateDeGeneration><DateDeGeneration>2026-01-02T03:04:05Z</DateDeGeneration>"
        ).encode(),
        SPEC.replace("ListeDomaines", "Liste").encode(),
        SPEC.replace("CH EXEMPLE<", "\udcff<").encode("utf-8", "surrogateescape"),
        f"{HEAD}?>{'<a>' * 5000}".encode(),
    ],
)
def test_refuses_a_file_that_cannot_be_used_as_a_whole(data: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        read_white_list(data)


def test_holds_to_its_bounds() -> None:
    data = write_white_list(NOW, [entry(), entry()])
    with pytest.raises(TheirProtocolError, match="more than 1"):
        read_white_list(data, ListLimits(entries=1))
    with pytest.raises(TheirProtocolError, match="bytes, more than 100"):
        read_white_list(data, ListLimits(max_bytes=100))


def test_a_deep_file_is_refused_without_recursion() -> None:
    deep = SPEC.replace("</ListeBlancheMSSante>", "<a>" * 3000 + "</a>" * 3000 + "</ListeBlancheMSSante>")
    with pytest.raises(TheirProtocolError):
        read_white_list(deep.encode())


def test_the_writer_refuses_what_xml_cannot_hold() -> None:
    with pytest.raises(TheirProtocolError, match="forbids"):
        write_white_list(NOW, [entry(description="a\x00b")])


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9\-]{0,20}[a-z0-9])?", fullmatch=True)
DOMAIN = st.builds(lambda a, b: f"{a}.{b}.fr", LABEL, LABEL)
XML_CHARS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(XML_CHARS | st.sampled_from("\n\t\r&<>\"'"), max_size=40).map(str.strip)


@settings(max_examples=60)
@given(st.lists(st.tuples(DOMAIN, TEXT, TEXT), max_size=5))
def test_what_is_written_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    entries = [entry(domain, description=text, support=other) for domain, text, other in rows]
    assert list(read_white_list(write_white_list(NOW, entries)).entries) == entries


def test_ten_thousand_entries_take_time_in_proportion() -> None:
    # Under a second on a quiet machine; the proportion holds on a busy one too.
    def seconds(count: int) -> float:
        raw = write_white_list(
            NOW, [entry(f"d{i}.mssante.fr", DN.replace("ch-exemple", f"ch-{i}")) for i in range(count)]
        )
        best = inf
        for _ in range(3):
            started = thread_time()
            found = read_white_list(raw)
            best = min(best, thread_time() - started)
        assert (len(found.names), found.bad) == (count, ())
        return best

    assert seconds(10_000) < 50 * seconds(1_000)
