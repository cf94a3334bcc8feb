"""``mssante document``: build, check, show and take apart health documents; works on files, without an operator."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from mssante.app.chance import new_reference, utc_now
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, safe, say_json, show_facts, show_table, size_text
from mssante.app.cli.typed import ADDRESS
from mssante.app.config import find_config, read_config
from mssante.app.stored import must_be_operator
from mssante.flows.documents.listing import list_documents
from mssante.flows.documents.opening import OpenedArchive, open_archive, open_message, worst
from mssante.flows.documents.sending import House, Parcel, build_xdm, compose_parcel
from mssante.flows.folders.indexing import Indexing
from mssante.model.address import Address
from mssante.model.document import DocumentHeader, Finding, Severity
from mssante.model.envelope import DEFAULT_NOTIFY, Notify, Recipient
from mssante.model.errors import ConfigError, MssError, WireError
from mssante.model.filed_document import ListedDocument, Standing
from mssante.model.system import reason
from mssante.rules.ins import check_ins
from mssante.wire.cda.extract import attached_file, embedded_files
from mssante.wire.cda.names import pdf_name
from mssante.wire.cda.read import CdaDocument, read_document
from mssante.wire.cda.show import show_html
from mssante.wire.xdm.build import NAME
from mssante.wire.xdm.pages import Sender

FILE_MAX_BYTES: Final = 100 * 1024 * 1024
TEST_SOURCE: Final = "1.2.250.1.999.1"
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_MARKS: Final = {Severity.ERROR: "ERREUR", Severity.WARNING: "ALERTE", Severity.NOTE: "note"}
_STANDINGS: Final = {
    Standing.CURRENT: "en vigueur",
    Standing.REPLACED: "remplacé",
    Standing.DUPLICATE: "en double",
}
_WORST: Final = {"error": "à vérifier (erreur)", "warning": "à vérifier"}
_test_option = click.option(
    "--allow-test", is_flag=True, help="Accepter comme qualifiées les identités des domaines de test (INS de test)."
)


@click.group()
def document() -> None:
    """Documents de santé (CDA, IHE_XDM.zip) : fabriquer, vérifier, montrer, extraire.

    Chaque FICHIER peut être un document CDA (.xml), une archive IHE_XDM.zip, ou un message entier (.eml).

    \b
    Exemple : mssante document check IHE_XDM.zip
    """


@document.command()
@click.argument("file", type=_FILE)
@_test_option
@json_option
@click.pass_context
def check(context: click.Context, file: Path, allow_test: bool, as_json: bool) -> None:
    """Vérifier FILE : intégrité, un seul patient, cohérence du document, des métadonnées et du message.

    \b
    Exemple : mssante document check message.eml
    Codes de sortie : 0 rien de grave, 1 au moins une erreur, 2 fichier illisible, hostile ou d'un autre format.
    """
    opened = _open(file, allow_test=allow_test)
    headers, findings = _held(opened, allow_test=allow_test)
    if as_json:
        say_json({"documents": headers, "findings": findings})
    else:
        _show_headers(headers)
        _show_findings(findings)
    context.exit(1 if worst(findings) is Severity.ERROR else 0)


@document.command()
@click.argument("file", type=_FILE)
@click.option("--output", type=_FILE, default=None, help="Écrire la page HTML ici ; sinon sur la sortie.")
@click.option("--pdf", is_flag=True, help="Un PDF/A-1 au lieu d'une page HTML (avec --output).")
@click.option("--number", type=click.IntRange(1), default=1, help="Le combientième document de l'archive.")
def show(file: Path, output: Path | None, pdf: bool, number: int) -> None:
    """Montrer un document de FILE : une page HTML sûre, lisible au téléphone et à l'impression.

    \b
    Exemple : mssante document show CR-BIO.xml --output cr.html
    """
    cda = _one(_open(file), number, file)
    page = show_html(cda)
    if pdf:
        if output is None:
            msg = "--pdf demande --output FICHIER.pdf"
            raise ConfigError(msg)
        # Loaded when it is wanted: WeasyPrint takes a second.
        from mssante.links.pdf import pdf_of_page

        held = attached_file(cda)
        data = held[1] if held is not None and held[0] == "application/pdf" else pdf_of_page(page)
        _write(output, data)
    elif output is None:
        click.echo(page)
    else:
        _write(output, page.encode())


@document.command()
@click.argument("file", type=_FILE)
@click.option("--into", type=_FOLDER, required=True, help="Dossier, créé au besoin.")
def extract(file: Path, into: Path) -> None:
    """Mettre dans un dossier les documents de FILE, et les PDF et images qu'ils contiennent.

    Les noms sont les nôtres : aucun nom venu de l'archive n'est suivi.

    \b
    Exemple : mssante document extract IHE_XDM.zip --into recus
    """
    opened = _open(file)
    pieces: list[tuple[str, bytes]] = []
    if isinstance(opened, OpenedArchive):
        for number, one in enumerate(opened.documents, start=1):
            if one.data and one.cda is None:
                pieces.append((f"DOC{number:04d}.BIN", one.data))
            elif one.cda is not None:
                pieces += _pieces(one.cda, number, one.data)
    else:
        pieces = _pieces(opened, 1, b"")
    if not pieces:
        msg = f"{file} ne contient aucun document à extraire"
        raise MssError(msg)
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{into} : {reason(error)} ; choisissez un autre dossier"
        raise ConfigError(msg) from error
    for name, data in pieces:
        _write(into / name, data)


@document.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--output", type=_FILE, default=Path(NAME), show_default=True, help="L'archive à écrire.")
@click.option("--organization", required=True, help="Établissement ou cabinet qui envoie.")
@click.option("--family", default="", help="Nom de la personne qui envoie.")
@click.option("--given", default="", help="Son prénom.")
@click.option("--phone", default="", help="Son téléphone.")
@click.option("--address", default="", help="Adresse postale, sur une ligne.")
@click.option("--mail", default="", help="Adresse MSSanté de retour.")
@click.option("--source-id", default=TEST_SOURCE, help="OID du système qui envoie ; à défaut un OID d'essai.")
def build(
    files: tuple[Path, ...],
    output: Path,
    organization: str,
    family: str,
    given: str,
    phone: str,
    address: str,
    mail: str,
    source_id: str,
) -> None:
    """Faire une archive IHE_XDM.zip des documents CDA FILES, d'un seul patient.

    \b
    Exemple : mssante document build CR-BIO.xml --organization "Laboratoire des charmes"
    """
    sender = Sender(family, given, organization=organization, phone=phone, address=address, mail=mail)
    data = build_xdm(
        [_read(one) for one in files], sender, now=utc_now(), source_id=source_id, reference=new_reference()
    )
    _write(output, data)


@document.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--from", "sender", type=ADDRESS, required=True, help="Boîte de cet opérateur.")
@click.option("--to", "recipients", type=ADDRESS, multiple=True, required=True, help="Destinataire ; répétable.")
@click.option("--label", default="", help="Nom affiché de l'expéditeur, comme « Hôpital C – Biologie ».")
@click.option("--text", default="", help="Texte du message ; à défaut une phrase qui nomme les documents.")
@click.option("--reply-to", type=ADDRESS, default=None, help="Où répondre, si une application écrit.")
@click.option("--receipt", is_flag=True, help="Demander un accusé de lecture.")
@click.option("--in-reply-to", default="", help="Message-ID du message auquel répondre.")
@click.option("--closes", is_flag=True, help="Finir l'échange avec un patient (X-MSS-MES: FIN).")
@config_option
@json_option
def send(
    files: tuple[Path, ...],
    sender: Address,
    recipients: tuple[Address, ...],
    label: str,
    text: str,
    reply_to: Address | None,
    receipt: bool,
    in_reply_to: str,
    closes: bool,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Envoyer les documents CDA FILES d'un patient : archive, copies PDF/A, objet et champs nationaux sont faits.

    \b
    Exemple : mssante document send CR-BIO.xml --from labo@chu.mssante.fr --to dr.durand@medecin.mssante.fr
    """
    # Loaded when it is wanted: the whole operator, and WeasyPrint.
    from mssante.app.cli.send import submit
    from mssante.links.pdf import pdf_of_page

    config = read_config(find_config(config_path))
    must_be_operator(config)
    settings = config.documents
    who = Sender("", organization=label or config.operator.name, mail=str(sender))
    if not settings.source_id and not settings.allow_test:
        msg = f"{config.source} : [documents] source_id manque ; donnez l'OID de votre système"
        raise ConfigError(msg)
    house = House(settings.source_id or TEST_SOURCE, who, settings.product, settings.allow_test)
    parcel = Parcel(
        sender,
        recipients,
        tuple(_read(one) for one in files),
        label,
        text,
        reply_to,
        receipt,
        closes,
        in_reply_to=in_reply_to.strip("<> "),
    )
    notify = DEFAULT_NOTIFY | Notify.SUCCESS if receipt else DEFAULT_NOTIFY
    to = tuple(Recipient(one, notify) for one in recipients)
    composed = compose_parcel(parcel, house, now=utc_now(), reference=new_reference(), make_pdf=pdf_of_page)
    reference = asyncio.run(submit(config, sender, to, composed.data))
    if as_json:
        say_json({"reference": reference, "size_bytes": len(composed.data), "documents": len(composed.headers)})
        return
    documents = counted(len(composed.headers), "document")
    click.echo(f"Accepté : {documents}, {size_text(len(composed.data))}, référence {reference}.")
    click.echo(f"Pour suivre : mssante mail passport {reference}")


@document.command("list")
@click.argument("address", type=ADDRESS)
@click.option("--patient", default="", help="Matricule INS, ou début du nom.")
@config_option
@json_option
def list_command(address: Address, patient: str, config_path: Path | None, as_json: bool) -> None:
    """Lister les documents de santé reçus dans la boîte ADDRESS, par patient.

    Une trace est laissée dans l'audit, sans le patient.

    \b
    Exemple : mssante document list cardiologie@chu.mssante.fr --patient vial
    """

    async def work(opened: Opened) -> list[ListedDocument]:
        await Indexing(opened.store, allow_test=opened.config.documents.allow_test).catch_up()
        return await list_documents(
            opened.store, address, patient=patient, actor=opened.actor, trace_key=opened.trace_key, now=utc_now()
        )

    found = run_opened(config_path, work)
    if as_json:
        say_json(found)
        return
    columns = ("Reçu le", "Patient", "INS", "Document", "Auteur", "État", "Message")
    show_table(columns, (_cells(one) for one in found), nothing="Aucun document de santé.")


def _cells(one: ListedDocument) -> tuple[str, ...]:
    filed = one.filed
    state = _STANDINGS[one.standing] + ("" if filed.worst in {"", "note"} else f", {_WORST[filed.worst]}")
    title = filed.title or filed.label or "illisible"
    return (french_date(one.received_at), filed.patient_name, filed.patient, title, filed.author, state, one.reference)


def _open(file: Path, *, allow_test: bool = False) -> OpenedArchive | CdaDocument:
    """Return what a file holds, by its first bytes.

    Raises:
        WireError: none of the three formats, or a hostile one.
    """
    data = _read(file)
    if data.startswith(b"PK"):
        return open_archive(data, allow_test=allow_test)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_document(data)
    found = open_message(data, allow_test=allow_test)
    if found is None:
        msg = f"{file} : ni document CDA, ni archive IHE_XDM.zip, ni message qui en porte une"
        raise WireError(msg)
    return found


def _held(
    opened: OpenedArchive | CdaDocument, *, allow_test: bool
) -> tuple[tuple[DocumentHeader, ...], tuple[Finding, ...]]:
    if isinstance(opened, OpenedArchive):
        return opened.headers, opened.findings
    return (opened.header,), check_ins(opened.header.patient, "recordTarget", allow_test=allow_test)


def _one(opened: OpenedArchive | CdaDocument, number: int, file: Path) -> CdaDocument:
    if not isinstance(opened, OpenedArchive):
        return opened
    found = [one.cda for one in opened.documents if one.cda is not None]
    if number > len(found):
        msg = f"{file} contient {counted(len(found), 'document CDA lisible', 'documents CDA lisibles')}, pas {number}"
        raise MssError(msg)
    return found[number - 1]


def _pieces(cda: CdaDocument, number: int, data: bytes) -> list[tuple[str, bytes]]:
    found = [(f"DOC{number:04d}.XML", data)] if data else []
    held = attached_file(cda)
    if held is not None:
        name = pdf_name(cda.header) if held[0] == "application/pdf" else f"DOC{number:04d}.BIN"
        found.append((f"{number:04d}_{name}", held[1]))
    for place, one in enumerate(embedded_files(cda), start=1):
        ending = one.media_type.rpartition("/")[2]
        found.append((f"DOC{number:04d}_{place:02d}.{ending if ending.isalnum() else 'bin'}", one.data))
    return found


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        msg = f"{file} : {reason(error)} ; vérifiez le chemin"
        raise ConfigError(msg) from error
    if len(data) > FILE_MAX_BYTES:
        msg = f"{file} : plus de {size_text(FILE_MAX_BYTES)}"
        raise ConfigError(msg)
    return data


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        msg = f"{file} : {reason(error)} ; choisissez un autre endroit"
        raise ConfigError(msg) from error
    click.echo(f"Écrit : {safe(str(file))} ({size_text(len(data))})")


def _show_headers(headers: Sequence[DocumentHeader]) -> None:
    for header in headers:
        patient = header.patient
        born = "" if patient.birth_date is None else f" né(e) le {patient.birth_date:%d/%m/%Y}"
        ins = "" if patient.ins is None else f"{patient.ins.extension} (OID {patient.ins.root})"
        author = header.authors[0] if header.authors else None
        show_facts(
            (
                ("Document", header.title or header.code.label),
                ("Type", f"{header.code.code} {header.code.label}"),
                ("Patient", f"{patient.birth_name} {patient.first_given or patient.birth_given}{born}"),
                ("INS", ins or "aucun"),
                ("Auteur", "" if author is None else f"{author.name.given} {author.name.family}".strip()),
                ("Version", str(header.version or "")),
                ("Remplace", "" if header.replaces is None else header.replaces.root),
                ("Niveau", "3, structuré" if header.has_structured_body else f"1, {header.attached_type or 'vide'}"),
            )
        )
        click.echo()


def _show_findings(findings: Sequence[Finding]) -> None:
    if not findings:
        click.echo("Rien à signaler.")
        return
    for one in findings:
        click.echo(f"{_MARKS[one.severity]:<7} {safe(one.where)} : {safe(one.text)}")
        click.echo(f"        {safe(one.fix)}")
