"""``mssante pki``: what is written, what is shown, what is refused."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from mssante.app.cli.french import counted, french_date
from mssante.app.cli.pki import pki as command
from mssante.model.errors import MssError


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_makes_a_test_pki_that_it_can_show(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    run("test", str(folder), "--host", "mss.hopital.fr")
    shown = run("show", str(folder / "server" / "mss.hopital.fr.pem"))
    assert "CN=mss.hopital.fr,OU=1310990015,O=STRUCTURE EXEMPLE,ST=Haute-Garonne (31),C=FR" in shown
    assert "encore 364 jours" in shown
    assert "https://localhost:8443/CRL/ACI-EL-ORG-TEST.crl" in shown
    facts = json.loads(run("show", "--json", str(folder / "client" / "logiciel-exemple.pem")))
    assert facts["usages"] == ["client (clientAuth)"]
    assert sorted(path.name for path in (folder / "bad").glob("*.pem")) == [
        "expired.pem",
        "not-yet-valid.pem",
        "other-authority.pem",
        "other-name.pem",
        "revoked.pem",
    ]


def test_does_not_write_a_test_pki_over_files(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(MssError, match="n'est pas vide"):
        run("test", str(tmp_path))


def test_shows_an_expired_certificate_and_exits_with_one(pki, tmp_path: Path) -> None:
    (tmp_path / "old.pem").write_bytes(pki.bad["expired"].certificate_pem)
    result = CliRunner().invoke(command, ["show", str(tmp_path / "old.pem")], catch_exceptions=False)
    assert result.exit_code == 1
    assert "EXPIRÉ" in result.output


def test_makes_a_request_with_the_name_that_the_trust_space_knows(tmp_path: Path) -> None:
    run(
        *("request", "--cn", "mss.ch-exemple.fr", "--finess", "310990015", "--name", "CH EXEMPLE"),
        *("--department", "Haute-Garonne (31)", "--out", str(tmp_path)),
    )
    request = x509.load_pem_x509_csr((tmp_path / "mss.ch-exemple.fr.csr").read_bytes())
    assert request.is_signature_valid
    assert (
        request.subject.rfc4514_string() == "CN=mss.ch-exemple.fr,OU=1310990015,O=CH EXEMPLE,ST=Haute-Garonne (31),C=FR"
    )
    assert stat.S_IMODE((tmp_path / "mss.ch-exemple.fr.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((), "l'un des deux"),
        (("--finess", "310990015", "--siret", "78599001200012"), "l'un des deux"),
        (("--finess", "310990016"), "pas un FINESS"),
        (("--siret", "123"), "pas un SIRET"),
    ],
)
def test_refuses_a_wrong_structure_number(tmp_path: Path, numbers: tuple[str, ...], text: str) -> None:
    with pytest.raises(MssError, match=text):
        run("request", "--cn", "a.fr", "--name", "A", "--department", "Paris (75)", "--out", str(tmp_path), *numbers)
    assert not list(tmp_path.iterdir())


def test_never_writes_over_a_key(tmp_path: Path) -> None:
    (tmp_path / "a.fr.key").write_text("precious")
    with pytest.raises(MssError, match="jamais écrasée"):
        run(
            "request",
            "--cn",
            "a.fr",
            "--finess",
            "310990015",
            "--name",
            "A",
            "--department",
            "P",
            "--out",
            str(tmp_path),
        )
    assert (tmp_path / "a.fr.key").read_text() == "precious"


@pytest.mark.parametrize(
    "data", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"]
)
def test_says_in_one_line_that_a_file_is_no_certificate(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.pem").write_bytes(data)
    with pytest.raises(MssError) as caught:
        run("show", str(tmp_path / "x.pem"))
    assert "\n" not in str(caught.value)


def test_says_that_a_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MssError, match="vérifiez le chemin"):
        run("show", str(tmp_path / "absent.pem"))


def test_writes_dates_and_counts_as_french_does() -> None:
    assert french_date(datetime(2026, 8, 1, 7, 5, tzinfo=UTC)) == "1er août 2026 à 07:05 UTC"
    assert [counted(0, "jour"), counted(1, "jour"), counted(2, "jour"), counted(2, "cheval", "chevaux")] == [
        "0 jour",
        "1 jour",
        "2 jours",
        "2 chevaux",
    ]
