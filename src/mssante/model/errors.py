"""The exceptions of the house.

A refusal is a value (`mssante.model.decision.Refusal`); an exception here is an accident or a bad input, and its
text names the thing and the fix. Foreign exceptions become one of these at the edge, with ``raise ... from``.
"""


class MssError(Exception):
    """Any error of this program; the text is one line that names the thing and the fix."""


class ConfigError(MssError):
    """The configuration, a key or a certificate of ours cannot be used."""


class StoreError(MssError):
    """The store cannot do what was asked; nothing of the transaction was kept."""


class StoreAwayError(StoreError):
    """A database or an object store elsewhere cannot be reached now; it comes back without a new start of ours."""


class StoreFullError(StoreError):
    """The disk or the database has no room; the same call may succeed later."""


class StoreSchemaError(StoreError):
    """The database has a schema or an engine that this program must not touch."""


class StoreDamagedError(StoreError):
    """Stored bytes are not what was written: a hash or a page check failed."""


class DirectoryMissingError(StoreError):
    """No directory was ever imported here."""

    def __init__(self) -> None:
        """Say it, with the fix."""
        super().__init__("il n'y a pas encore d'annuaire ici : importez-le (mssante directory import)")


class LinkError(MssError):
    """The outside did not answer as needed; the same call may succeed later."""


class WireError(MssError):
    """Bytes that break the rules of their protocol or format."""


class OurProtocolError(WireError):
    """We asked a state machine for something that its state forbids: a bug in the caller."""


class TheirProtocolError(WireError):
    """The other side broke the protocol or the format."""
