"""Values that pass between the flows and the links to the outside."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document as fetched: its bytes and the validators for the next conditional look."""

    data: bytes
    etag: str
    last_modified: str
