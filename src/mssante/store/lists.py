"""Versions of the white list and revocation lists that we fetched: the last good ones survive a restart."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Tx

VERSIONS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class SavedList:
    """A version of the white list with its bytes.

    Attributes:
        version: its name, as `WhiteList.version`.
        fetched_at: when it was kept.
        checked_at: when the publication point was last known to give it.
    """

    version: str
    generated_at: datetime
    raw: bytes
    etag: str
    last_modified: str
    fetched_at: datetime
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class ListVersion:
    """A version of the white list without its bytes."""

    version: str
    generated_at: datetime
    fetched_at: datetime
    checked_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SavedCrl:
    """The revocation list of one authority.

    Attributes:
        issuer: the authority's name as the caller keys it.
        next_update: None when the list does not say.
    """

    issuer: str
    url: str
    der: bytes
    this_update: datetime
    next_update: datetime | None
    fetched_at: datetime


async def save_list(
    tx: Tx,
    *,
    version: str,
    generated_at: datetime,
    raw: bytes,
    etag: str = "",
    last_modified: str = "",
    now: datetime,
) -> None:
    """Keep a version; it is the one in force from now on. The last 100 are kept."""
    list_id = await tx.insert(
        "add_list",
        version=version,
        generated_at=to_micros(generated_at),
        etag=etag,
        last_modified=last_modified,
        now=to_micros(now),
        raw=raw,
    )
    await tx.run("forget_lists", last_id=list_id - VERSIONS_KEPT)


async def active_list(tx: Tx) -> SavedList | None:
    """Return the version in force, or None when there was never one."""
    row = await tx.one("active_list")
    if row is None:
        return None
    version, generated_at, etag, last_modified, fetched_at, checked_at, raw = row
    return SavedList(
        version, from_micros(generated_at), raw, etag, last_modified, from_micros(fetched_at), from_micros(checked_at)
    )


async def touch_list(tx: Tx, now: datetime) -> None:
    """Note that the version in force was found unchanged."""
    await tx.run("touch_list", checked_at=to_micros(now))


async def list_versions(tx: Tx) -> list[ListVersion]:
    """Return every version kept, newest first."""
    return [
        ListVersion(version, from_micros(generated_at), from_micros(fetched_at), from_micros(checked_at), size_bytes)
        for version, generated_at, fetched_at, checked_at, size_bytes in await tx.all("list_versions")
    ]


async def save_crl(
    tx: Tx, *, issuer: str, url: str, der: bytes, this_update: datetime, next_update: datetime | None, now: datetime
) -> None:
    """Keep the revocation list of an authority in the place of the one before."""
    await tx.run(
        "save_crl",
        issuer=issuer,
        url=url,
        der=der,
        this_update=to_micros(this_update),
        next_update=None if next_update is None else to_micros(next_update),
        fetched_at=to_micros(now),
    )


async def crls(tx: Tx) -> list[SavedCrl]:
    """Return every revocation list kept."""
    return [
        SavedCrl(
            issuer,
            url,
            der,
            from_micros(this_update),
            None if next_update is None else from_micros(next_update),
            from_micros(fetched_at),
        )
        for issuer, url, this_update, next_update, fetched_at, der in await tx.all("list_crls")
    ]
