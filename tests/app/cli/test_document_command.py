"""``mssante document`` on files alone: a document becomes an archive, is checked, shown, taken apart; then it is sent."""

import json
import zipfile
from pathlib import Path

import pytest
from cda_documents import example
from cli_world import CLAIRE, Shell, new_shell

BIO = "BIO-CR-BIO_2024.01_Gly"


@pytest.fixture
def shell(tmp_path: Path, pki, capsys: pytest.CaptureFixture[str]) -> Shell:
    return new_shell(tmp_path, pki, capsys)


@pytest.fixture
def bare(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(Path(), capsys)


def _file(folder: Path, name: str = BIO) -> Path:
    file = folder / "document.xml"
    file.write_bytes(example(name))
    return file


def test_a_document_becomes_an_archive_that_is_checked(bare: Shell, tmp_path: Path) -> None:
    file, archive = _file(tmp_path), tmp_path / "IHE_XDM.zip"
    answer = bare.bare("document", "build", str(file), "--organization", "Labo", "--output", str(archive))
    assert answer.code == 0, answer.err
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == [
            "README.TXT",
            "INDEX.HTM",
            "IHE_XDM/SUBSET01/METADATA.XML",
            "IHE_XDM/SUBSET01/DOC0001.XML",
        ]
    answer = bare.bare("document", "check", str(archive), "--allow-test")
    assert answer.code == 0, answer.out
    assert "PAT-TROIS DOMINIQUE né(e) le 28/03/1979" in answer.out
    assert "Rien à signaler." in answer.out
    answer = bare.bare("document", "check", str(archive), "--json")
    assert answer.code == 1
    assert [one["code"] for one in answer.json["findings"]] == ["ins-not-qualified"]


def test_a_tampered_archive_is_said_with_place_and_fix(bare: Shell, tmp_path: Path) -> None:
    file, archive = _file(tmp_path), tmp_path / "a.zip"
    bare.bare("document", "build", str(file), "--organization", "Labo", "--output", str(archive))
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(forged, "w") as out:
        for name in source.namelist():
            out.writestr(name, source.read(name).replace(b"4.89", b"9.89"))
    answer = bare.bare("document", "check", str(forged), "--allow-test")
    assert answer.code == 1
    assert "ERREUR  IHE_XDM/SUBSET01/DOC0001.XML : L'empreinte SHA-1" in answer.out
    assert "demandez à l'expéditeur de le renvoyer" in answer.out


def test_a_document_is_shown_as_a_page_and_taken_apart(bare: Shell, tmp_path: Path) -> None:
    page = bare.bare("document", "show", str(_file(tmp_path)))
    assert page.code == 0
    assert "Glycémie à jeun" in page.out
    into = tmp_path / "into"
    answer = bare.bare(
        "document", "extract", str(_file(tmp_path, "IMG_CR_IMG_2024.01_CDA-R2-Niveau-1")), "--into", str(into)
    )
    assert answer.code == 0, answer.err
    (found,) = into.iterdir()
    assert found.read_bytes().startswith(b"%PDF-")


def test_a_pdf_for_archives_is_made_of_the_page(bare: Shell, tmp_path: Path) -> None:
    target = tmp_path / "a.pdf"
    answer = bare.bare("document", "show", str(_file(tmp_path)), "--pdf", "--output", str(target))
    assert answer.code == 0, answer.err
    data = target.read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"pdfaid" in data


@pytest.mark.parametrize("data", [b"", b"PK\3\4 no zip", b"<a/>", b"Subject: x\r\n\r\nx", b"<!DOCTYPE a><a/>"])
def test_another_file_is_refused_with_a_word(bare: Shell, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "other"
    file.write_bytes(data)
    answer = bare.bare("document", "check", str(file))
    assert answer.code == 2
    assert answer.err.startswith("mssante : ")
    assert "Traceback" not in answer.err


def test_documents_are_sent_as_the_national_text_wants(shell: Shell, tmp_path: Path) -> None:
    shell.good("mailbox", "add", CLAIRE, "--type", "PER", "--holder", "Dr Claire Martin")
    command = ("document", "send", str(_file(tmp_path)), "--from", CLAIRE, "--to", CLAIRE, "--json")
    # An archive of a real system has a number of its own.
    refused = shell(*command)
    assert (refused.code, "[documents] source_id manque" in refused.err) == (2, True)
    shell.config.write_text(f'{shell.config.read_text()}\n[documents]\nsource_id = "1.2.250.1.213.9"\n')
    answer = shell(*command)
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["documents"] == 1
