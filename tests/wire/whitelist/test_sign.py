import re
import shutil
import subprocess
from pathlib import Path

import pytest
from forge import NOW, Issued, Order, intermediate, issue, operator, root, server_name
from lxml import etree

from mssante.model.dn import parse_dn
from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.model.whitelist import Entry
from mssante.wire.whitelist.read import read_white_list
from mssante.wire.whitelist.sign import AbsentAllowed, Required, sign
from mssante.wire.whitelist.write import write_white_list

DS = "{http://www.w3.org/2000/09/xmldsig#}"
NS = "{https://listeblanche.mssante.fr/schema}"
DN = "CN=mss.ch.fr,C=FR"
PLAIN = write_white_list(NOW, [Entry("good.fr", parse_dn(DN), DN, "", "", "", NOW)])


@pytest.fixture(scope="module")
def signer() -> Issued:
    return issue(Order(subject=server_name("sign.exemple.fr"), usages=None, dns=(), key_name="signer"), intermediate())


@pytest.fixture(scope="module")
def signed(signer: Issued) -> bytes:
    return sign(PLAIN, (signer.der, intermediate().der), signer.key_pem)


def any_signer(der: bytes, now: object) -> str:
    return ""


def verified(data: bytes) -> bytes:
    return Required(any_signer).verified(data, NOW)


def test_hands_on_the_list_that_was_signed(signed: bytes) -> None:
    assert read_white_list(verified(signed)) == read_white_list(PLAIN)


def test_a_signed_list_is_read_by_who_does_not_look_at_signatures(signed: bytes) -> None:
    assert read_white_list(AbsentAllowed().verified(signed, NOW)) == read_white_list(PLAIN)


def test_asks_about_the_certificate_that_signed(signed: bytes, signer: Issued) -> None:
    asked: list[bytes] = []

    def nobody(der: bytes, now: object) -> str:
        asked.append(der)
        return "not one of signer_names"

    with pytest.raises(TheirProtocolError, match="may not sign it: not one of signer_names"):
        Required(nobody).verified(signed, NOW)
    assert asked == [signer.der]


def _tree(data: bytes) -> etree._Element:
    return etree.fromstring(data)


def _no_signature(data: bytes) -> bytes:
    return PLAIN


def _altered(data: bytes) -> bytes:
    return data.replace(b"good.fr", b"evil.fr")


def _comment_in_name(data: bytes) -> bytes:
    # Comments are outside the canonical form: the signature holds, the reader must see one value or none.
    return data.replace(b"<Nom>good.fr</Nom>", b"<Nom>good.fr<!-- x -->.evil.fr</Nom>")


def _twice(data: bytes) -> bytes:
    tree = _tree(data)
    found = tree.find(f"{DS}Signature")
    tree.append(etree.fromstring(etree.tostring(found)))
    return etree.tostring(tree)


def _wrapped(data: bytes) -> bytes:
    """Put the whole signed list under a wrapper in a forged list."""
    forged = _tree(PLAIN.replace(b"good.fr", b"evil.fr"))
    wrapper = etree.SubElement(forged, "{urn:x}Wrapper")
    wrapper.append(_tree(data))
    return etree.tostring(forged)


def _moved(data: bytes) -> bytes:
    """Move the signature beside a forged list, the signed one under a wrapper."""
    tree = _tree(data)
    signature = tree.find(f"{DS}Signature")
    forged = _tree(PLAIN.replace(b"good.fr", b"evil.fr"))
    forged.append(signature)
    etree.SubElement(forged, "{urn:x}Wrapper").append(tree)
    return etree.tostring(forged)


def _other_uri(data: bytes) -> bytes:
    return data.replace(b'URI=""', b'URI="#x"').replace(b"<ListeDomaines>", b'<ListeDomaines Id="x">')


def _no_uri(data: bytes) -> bytes:
    return data.replace(b' URI=""', b"")


def _sha1_digest(data: bytes) -> bytes:
    return data.replace(b"http://www.w3.org/2001/04/xmlenc#sha256", b"http://www.w3.org/2000/09/xmldsig#sha1")


def _sha1_signature(data: bytes) -> bytes:
    return data.replace(
        b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", b"http://www.w3.org/2000/09/xmldsig#rsa-sha1"
    )


def _hmac(data: bytes) -> bytes:
    return data.replace(b"xmldsig-more#rsa-sha256", b"xmldsig-more#hmac-sha256")


def _xpath(data: bytes) -> bytes:
    return data.replace(b"http://www.w3.org/2001/10/xml-exc-c14n#", b"http://www.w3.org/TR/1999/REC-xpath-19991116")


def _two_references(data: bytes) -> bytes:
    return re.sub(rb"(<ds:Reference.*?</ds:Reference>)", rb"\1\1", data, count=1, flags=re.DOTALL)


def _no_certificate(data: bytes) -> bytes:
    return re.sub(rb"<ds:X509Data>.*</ds:X509Data>", b"", data, flags=re.DOTALL)


def _bad_certificate(data: bytes) -> bytes:
    return re.sub(rb"<ds:X509Certificate>[^<]{20}", b"<ds:X509Certificate>AAAA", data, count=1)


def _attacker_certificate(data: bytes) -> bytes:
    other = sign(PLAIN, (operator().der,), operator().key_pem)
    certificate = re.search(rb"<ds:X509Certificate>([^<]*)<", other)
    assert certificate
    return re.sub(rb"<ds:X509Certificate>[^<]*<", b"<ds:X509Certificate>" + certificate[1] + b"<", data, count=1)


def _added_outside(data: bytes) -> bytes:
    return data.replace(b"</ListeBlancheMSSante>", b"<Autre/></ListeBlancheMSSante>")


BAD = [
    _no_signature,
    _altered,
    _twice,
    _wrapped,
    _moved,
    _other_uri,
    _no_uri,
    _sha1_digest,
    _sha1_signature,
    _hmac,
    _xpath,
    _two_references,
    _no_certificate,
    _bad_certificate,
    _attacker_certificate,
    _added_outside,
]


@pytest.mark.parametrize("change", BAD, ids=lambda change: change.__name__.strip("_"))
def test_refuses_each_family_of_forgery(signed: bytes, change: object) -> None:
    data = change(signed)
    assert data != signed
    with pytest.raises(TheirProtocolError):
        verified(data)


def test_a_comment_in_a_name_cannot_make_another_domain(signed: bytes) -> None:
    data = _comment_in_name(signed.replace(b"good.fr.evil.fr", b"good.fr"))
    try:
        names = set(read_white_list(verified(data)).names)
    except TheirProtocolError:
        names = set()
    assert names <= {"good.fr"}


def test_refuses_to_sign_with_a_key_that_is_no_key(signer: Issued) -> None:
    with pytest.raises(ConfigError):
        sign(PLAIN, (signer.der,), b"not a key")


@pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="the Debian package xmlsec1 is not installed")
def test_another_program_agrees_with_the_signature(signed: bytes, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(root().pem)
    for name, data, good in (("good.xml", signed, True), ("bad.xml", _altered(signed), False)):
        (tmp_path / name).write_bytes(data)
        command = [
            "xmlsec1",
            "--verify",
            "--trusted-pem",
            "root.pem",
            "--verification-time",
            f"{NOW:%Y-%m-%d %H:%M:%S}",
        ]
        done = subprocess.run([*command, name], cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode == 0) is good, done.stderr
