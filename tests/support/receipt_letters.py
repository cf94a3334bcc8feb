"""Messages that were handed over, and receipts about them as readers and their programs write them."""

from dataclasses import replace

from forge import NOW
from standins import ANNE, VILLE, Office, letter

from mssante.flows.intake import Accepted
from mssante.model.address import parse_address
from mssante.model.message import Copy
from mssante.wire.mime.mdn import Disposition, Mdn, ReceiptLetter, write_mdn

OPENED = Mdn(
    Disposition.DISPLAYED,
    final_recipient=parse_address(VILLE),
    original_message_id="m1@poste",
    reporting_ua="logiciel",
)
REFUSED = replace(OPENED, disposition=Disposition.PROCESSED, modifiers=("error",), code="902", label="patient inconnu")


async def sent(office: Office, *recipients: str, ident: str = "m1@poste") -> Copy:
    """Send a message and try once; return its first copy."""
    answer = await office.submit(letter(sender=ANNE, ident=ident), *(recipients or (VILLE,)))
    assert isinstance(answer, Accepted)
    await office.delivering.drain()
    return next(copy for copy in await office.copies() if copy.reference == answer.reference)


def written(mdn: Mdn, *, by: str = VILLE, to: str = ANNE, ident: str = "r1@ville") -> bytes:
    """Return a receipt as the program of a reader writes it."""
    original = b"Message-ID: <" + mdn.original_message_id.encode() + b">\r\n\r\n"
    return write_mdn(mdn, ReceiptLetter(parse_address(by), parse_address(to), "XDM/1.0/DDM+x", NOW, ident, original))
