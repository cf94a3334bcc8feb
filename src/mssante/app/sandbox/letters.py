"""The mail of the demonstration: who writes what to whom, and how it is handed to the sender's operator.

Sent through the submission door with Python's own smtplib, as a program of a third party would.
"""

import asyncio
import secrets
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import make_msgid
from typing import Final

from mssante.app.sandbox import records, space
from mssante.app.sandbox.layout import Layout
from mssante.app.sandbox.pki import LOOPBACK
from mssante.app.sandbox.stores import SandboxAccount
from mssante.flows.documents.sending import House, Parcel, compose_parcel
from mssante.links.pdf import pdf_of_page
from mssante.model.address import CITIZEN_DOMAIN, Address, parse_address
from mssante.model.errors import LinkError
from mssante.wire.mime.compose import compose
from mssante.wire.xdm.pages import Sender

DOCTOR: Final = parse_address("claire.martel@chu-valdore.mssante.fr")
CARDIOLOGY: Final = parse_address("cardiologie@chu-valdore.mssante.fr")
GP: Final = parse_address("paul.lenoir@medecin.mssante.fr")
NURSING_HOME: Final = parse_address("coordination@ehpad-les-tilleuls.mssante.fr")
RESULTS: Final = parse_address("resultats@labo-rivalie.mssante.fr")
CITIZEN: Final = Address(space.CITIZEN_INS, CITIZEN_DOMAIN)
SUBMIT_SECONDS: Final = 30
NIL: Final = "SANDBOX"
PRODUCT: Final = {"X-MSS-NIL": NIL}


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of the demonstration, ready to send.

    Attributes:
        title: what it is, in French.
        message_id: without brackets.
        data: the whole message, CRLF.
    """

    title: str
    message_id: str
    sender: Address
    recipients: tuple[Address, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter that its operator accepted.

    Attributes:
        reply: of the submission door to the whole message.
        started_at: UTC, when the connection was opened.
        accepted_at: UTC, when the reply came.
        method: how the sender signed in.
        tls: protocol and suite of the submission.
    """

    letter: Letter
    reply: str
    started_at: datetime
    accepted_at: datetime
    method: str
    tls: str

    @property
    def reference(self) -> str:
        """Return our reference of the message, which the reply gives."""
        return self.reply.rpartition(" ")[2]


def first_letters(now: datetime) -> tuple[Letter, ...]:
    """Return the discharge letter, the laboratory result and the message to a citizen."""
    return (
        document_letter(
            "Lettre de liaison",
            DOCTOR,
            (GP, NURSING_HOME),
            records.discharge_letter(now),
            "Dr_Claire_MARTEL_CHU de Valdoré",
            now,
            text="Cher confrère,\n\nVeuillez trouver ci-joint la lettre de liaison de votre patiente, sortie ce jour"
            " du service de cardiologie.\n\nBien confraternellement,\nDr Claire MARTEL\n",
        ),
        document_letter(
            "Résultat de biologie",
            RESULTS,
            (CARDIOLOGY, GP),
            records.laboratory_report(now),
            "Laboratoire Rivalie",
            now,
            text="Compte rendu envoyé automatiquement par le laboratoire. Le document joint fait foi.\n",
        ),
        _letter(
            "Message à un usager",
            GP,
            (CITIZEN,),
            "Votre ordonnance",
            "Bonjour Madame,\n\nVotre ordonnance est prête. Vous pouvez répondre à ce message.\n\nDr Paul LENOIR\n",
            [],
            now,
        ),
    )


def document_letter(
    title: str,
    sender: Address,
    recipients: tuple[Address, ...],
    document: bytes,
    label: str,
    now: datetime,
    *,
    text: str = "",
) -> Letter:
    """Return a letter with a CDA document: the archive, its PDF, subject and fields as the national text wants them."""
    reference = make_msgid().strip("<>").partition("@")[0]
    house = House(records.OID, Sender("", organization=label, mail=str(sender)), NIL, allow_test=True)
    parcel = Parcel(sender, recipients, (document,), label, text)
    data = compose_parcel(parcel, house, now=now, reference=reference, make_pdf=pdf_of_page).data
    return Letter(title, f"{reference}@{sender.domain}", sender, recipients, data)


def answer_to(letter: Letter, now: datetime) -> Letter:
    """Return the GP's answer to the discharge letter."""
    return _letter(
        "Réponse du médecin traitant",
        GP,
        (DOCTOR,),
        "Re: Lettre de liaison de sortie",
        "Merci pour ces informations, je revois la patiente mardi.\n\nDr Paul LENOIR\n",
        [],
        now,
        in_reply_to=letter.message_id,
    )


def question_to_robot(sender: Address, now: datetime) -> Letter:
    """Return a message to the robot of the citizens' operator."""
    title = "Essai de réponse automatique"
    return _letter(title, sender, (space.ROBOT,), title, "Ce message attend une réponse.\n", [], now)


def robot_answer(to: Address, subject: str, message_id: str) -> Letter:
    """Return the robot's answer to a message; `message_id` without brackets, "" for none."""
    text = "Bonjour,\n\nVotre message est bien arrivé. Ceci est une réponse automatique d'essai.\n"
    title = f"Re: {subject}"
    return _letter(title, space.ROBOT, (to,), title, text, [], datetime.now(UTC), in_reply_to=message_id)


def numbered(number: int, attached_bytes: int, now: datetime) -> Letter:
    """Return one of many letters of the GP to the hospital's doctor.

    Args:
        attached_bytes: size of a document in it, 0 for none.
    """
    document = [("image.dcm", "application/dicom", secrets.token_bytes(attached_bytes))] if attached_bytes else []
    subject = f"Message n° {number}"
    return _letter(subject, GP, (DOCTOR,), subject, "Pour avis.\n\nDr Paul LENOIR\n", document, now)


async def send(layout: Layout, account: SandboxAccount, letter: Letter) -> Sent:
    """Hand the letter to the sender's operator; software signs in with its certificate, people with their password.

    Raises:
        LinkError: the operator did not accept it.
    """
    return await asyncio.to_thread(_send, layout, account, letter)


def user_context(layout: Layout, account: SandboxAccount) -> ssl.SSLContext:
    """Return the TLS context of the account's program: it trusts the sandbox's root, and shows its certificate."""
    context = ssl.create_default_context(cafile=layout.anchors)
    if account.software:
        context.load_cert_chain(account.software.certificate, account.software.key)
    return context


def _send(layout: Layout, account: SandboxAccount, letter: Letter) -> Sent:
    started_at = datetime.now(UTC)
    port = layout.operator_of(account.address.domain).ports.submission
    try:
        with smtplib.SMTP(LOOPBACK, port, local_hostname="poste.exemple.fr", timeout=SUBMIT_SECONDS) as client:
            client.starttls(context=user_context(layout, account))
            client.ehlo()
            method = _sign_in(client, account)
            suite = client.sock.cipher() if isinstance(client.sock, ssl.SSLSocket) else None
            reply = _transaction(client, letter)
    except (OSError, smtplib.SMTPException) as error:
        msg = f"{letter.title}: the operator of {account.address.domain} did not accept it: {error}"
        raise LinkError(msg) from error
    tls = f"{suite[1]} {suite[0]}" if suite else ""
    return Sent(letter, reply, started_at, datetime.now(UTC), method, tls)


def _sign_in(client: smtplib.SMTP, account: SandboxAccount) -> str:
    if account.software is None:
        client.login(account.user, account.password)
        return "PLAIN"
    code, text = client.docmd("AUTH", "EXTERNAL =")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, text)
    return "EXTERNAL"


def _transaction(client: smtplib.SMTP, letter: Letter) -> str:
    client.mail(str(letter.sender), ["BODY=8BITMIME"])
    for recipient in letter.recipients:
        code, text = client.rcpt(str(recipient))
        if code != 250:
            raise smtplib.SMTPRecipientsRefused({str(recipient): (code, text)})
    code, text = client.data(letter.data)
    if code != 250:
        raise smtplib.SMTPDataError(code, text)
    return f"{code} {text.decode(errors='replace')}"


def _letter(
    title: str,
    sender: Address,
    recipients: tuple[Address, ...],
    subject: str,
    text: str,
    attachments: list[tuple[str, str, bytes]],
    now: datetime,
    *,
    in_reply_to: str = "",
) -> Letter:
    message_id = make_msgid(domain=sender.domain).strip("<>")
    headers: Mapping[str, str] = PRODUCT
    data = compose(
        sender=sender,
        to=recipients,
        subject=subject,
        text=text,
        attachments=attachments,
        message_id=message_id,
        now=now,
        in_reply_to=in_reply_to,
        references=(in_reply_to,) if in_reply_to else (),
        headers=headers,
    )
    return Letter(title, message_id, sender, recipients, data)
