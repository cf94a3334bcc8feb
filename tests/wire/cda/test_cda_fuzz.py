"""The fuzz target of documents, run in small by hypothesis on bytes that look like narratives and entries."""

import random

import pytest
from cda_documents import EXAMPLES, PDF, whole_header
from fuzzing import target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mssante.wire.cda.write import write_level1

WORDS = [
    b"<paragraph>", b"</paragraph>", b"<table>", b"</table>", b"<thead>", b"</thead>", b"<tr>", b"</tr>", b'<td colspan="2">', b"</td>", b"<th>", b"</th>",
    b"<list>", b"</list>", b'<list listType="ordered">', b"<item>", b"</item>", b"<caption>", b"</caption>", b'<content ID="a" styleCode="Bold">', b"</content>",
    b'<linkHtml href="#a">', b'<linkHtml href="javascript:x">', b"</linkHtml>", b'<footnote ID="f">', b"</footnote>", b'<footnoteRef IDREF="f"/>', b"<br/>", b"<sub>", b"</sub>",
    b'<renderMultiMedia referencedObject="m"/>', b'<script xmlns="http://www.w3.org/1999/xhtml">', b"</script>", b'<svg xmlns="http://www.w3.org/2000/svg">', b"</svg>", b"x", b" ",
    b"&lt;script&gt;", b"&quot;", b"&amp;", b"<!-- -->", b"<?a b?>", b"<![CDATA[<img onerror=x>]]>", "é".encode(), b"</text><entry>", b"</entry><text>",
    b'<observation><code code="x"><originalText><reference value="#a"/></originalText></code><value xsi:type="PQ" value="1"/><interpretationCode code="HH"/></observation>',
    b'<observationMedia ID="m"><value mediaType="image/png" representation="B64">iVBORw0KGgo=</value></observationMedia>',
]  # fmt: skip
ONE_INPUT = target("fuzz_cda")
QUIET = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUIET
@given(st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=4)), max_size=30).map(b"".join))
def test_the_page_holds_on_bytes_that_look_like_a_narrative(data: bytes) -> None:
    ONE_INPUT(data)


@QUIET
@given(
    st.lists(
        st.sampled_from(["paragraph", "content", "table", "tr", "td", "list", "item", "caption", "sup", "x"]),
        max_size=25,
    )
)
def test_the_page_holds_on_any_nesting(names: list[str]) -> None:
    opened = "".join(f"a<{name} ID='{name}'>" for name in names)
    closed = "".join(f"</{name}>b" for name in reversed(names))
    ONE_INPUT((opened + closed).encode())


@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if path.stat().st_size < 70_000], ids=lambda path: path.stem
)
def test_the_page_holds_on_damaged_examples(path) -> None:
    data = path.read_bytes()
    chance = random.Random(path.name)
    for _turn in range(20):
        start = chance.randrange(len(data))
        end = start + chance.randrange(60)
        ONE_INPUT(data[:start] + data[chance.randrange(len(data)) :][: chance.randrange(60)] + data[end:])


def test_the_page_holds_on_what_we_write() -> None:
    ONE_INPUT(write_level1(whole_header(), PDF))
