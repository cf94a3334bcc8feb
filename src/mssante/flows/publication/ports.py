"""What the publication needs of the outside, as protocols; `mssante.links` fulfils them, tests put stand-ins there."""

from collections.abc import Callable
from typing import Protocol

from mssante.model.directory import ListedMailbox, MailboxChange, Professional, Structure, Target
from mssante.model.publication import DirectoryAnswer

LineWriter = Callable[[ListedMailbox, Professional | None, Structure | None], bytes]
"""Returns a mailbox with its holder and its place as one line of the 31-column form, with its line end."""


class DirectoryLink(Protocol):
    """A directory that takes changes of mailboxes one holder at a time (FHIR Patch of another directory)."""

    async def change(self, target: Target, changes: tuple[MailboxChange, ...]) -> DirectoryAnswer:
        """Ask for the changes of one holder's mailboxes, in order, all or none. Never raises for what it answers."""
        ...


class DropFolder(Protocol):
    """A folder where somebody else fetches files (directories whose interface is not public)."""

    async def put(self, name: str, content: bytes) -> None:
        """Put the file there, whole and flushed, under its name at the end only.

        Raises:
            LinkError: the folder cannot be written.
        """
        ...
