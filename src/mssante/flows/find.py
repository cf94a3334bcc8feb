"""Find the mailbox that an address of ours means, postmaster included."""

from mssante.model.address import Address
from mssante.model.mailbox import Mailbox
from mssante.store.domains import list_domains
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx


async def find_mailbox(tx: Tx, address: Address, postmaster: Address) -> tuple[bool, Mailbox | None]:
    """Return whether the address is in a domain of ours, and its mailbox or None.

    Args:
        postmaster: our postmaster's own address, which every ``postmaster@`` of our domains and of our host name means
            when it is no mailbox itself.

    Source: RFC 5321 section 4.5.1 (postmaster is always accepted).
    """
    mailbox = await mailbox_by_key(tx, address.key)
    if mailbox is not None:
        return True, mailbox
    ours = address.domain in await list_domains(tx)
    if address.local.lower() == "postmaster" and (ours or address.domain.endswith(f".{postmaster.domain}")):
        return True, await mailbox_by_key(tx, postmaster.key)
    return ours, None
