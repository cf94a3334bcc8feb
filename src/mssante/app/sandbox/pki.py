"""The test PKI as a folder: authorities, revocation lists, certificates of the sandbox, and the bad ones.

Not for the form of certificates (see `mssante.app.sandbox.authority`).
"""

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from mssante.app.sandbox import authority as ca
from mssante.app.sandbox.keys import key_pem

LEAF_LIFE: Final = timedelta(days=365)
LIST_LIFE: Final = timedelta(days=7)
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Legal:
    """The legal person whose name stands in a certificate.

    Attributes:
        structure: "1" and a FINESS number, or "3" and a SIRET number.
    """

    organisation: str
    structure: str
    department: str

    def subject(self, common_name: str) -> x509.Name:
        """Return the subject of a certificate of that legal person."""
        return ca.operator_subject(
            common_name, structure=self.structure, organisation=self.organisation, department=self.department
        )


@dataclass(slots=True)
class SandboxPki:
    """Root, intermediate and what they issued.

    Attributes:
        revoked: certificates of the intermediate that its next list names.
        number: of the last lists issued.
    """

    root: ca.Authority
    intermediate: ca.Authority
    revoked: list[x509.Certificate] = field(default_factory=list)
    number: int = 0

    def server(
        self,
        legal: Legal,
        host: str,
        *,
        key: RSAPrivateKey,
        now: datetime,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> ca.Issued:
        """Return a SERV SSL certificate for the host, good for loopback too."""
        return ca.issue_server(
            self.intermediate,
            key,
            legal.subject(host),
            hosts=(host, "localhost"),
            addresses=(LOOPBACK,),
            not_before=not_before or now - timedelta(hours=1),
            not_after=not_after or now + LEAF_LIFE,
        )

    def client(self, legal: Legal, software: str, *, key: RSAPrivateKey, now: datetime) -> ca.Issued:
        """Return an ORG AUTH_CLI certificate for software that opens an application mailbox."""
        return ca.issue_client(
            self.intermediate,
            key,
            legal.subject(software),
            not_before=now - timedelta(hours=1),
            not_after=now + LEAF_LIFE,
        )

    def signer(self, legal: Legal, name: str, *, key: RSAPrivateKey, now: datetime) -> ca.Issued:
        """Return an ORG SIGN certificate that signs the white list."""
        return ca.issue_signer(
            self.intermediate, key, legal.subject(name), not_before=now - timedelta(hours=1), not_after=now + LEAF_LIFE
        )

    def lists(self, now: datetime) -> dict[str, bytes]:
        """Return new revocation lists: file name -> DER, of the root and of the intermediate."""
        self.number += 1
        issued_at, next_update = now - timedelta(minutes=1), now + LIST_LIFE
        return {
            name: ca.issue_list(authority, revoked, now=issued_at, next_update=next_update, number=self.number)
            for name, authority, revoked in (
                (ca.ROOT_LIST, self.root, []),
                (ca.INTERMEDIATE_LIST, self.intermediate, self.revoked),
            )
        }

    def chain_pem(self, issued: ca.Issued) -> bytes:
        """Return the certificate followed by its authority, as a server presents them."""
        return issued.certificate_pem + ca.certificate_pem(self.intermediate.certificate)


def new_pki(root_key: RSAPrivateKey, intermediate_key: RSAPrivateKey, now: datetime, *, base_url: str) -> SandboxPki:
    """Return a new PKI whose lists are published under ``<base_url>/CRL/``."""
    root = ca.new_root(root_key, now, list_url=f"{base_url}/CRL/{ca.ROOT_LIST}")
    url = f"{base_url}/CRL/{ca.INTERMEDIATE_LIST}"
    return SandboxPki(root, ca.new_intermediate(root, intermediate_key, now, list_url=url))


def bad_certificates(
    pki: SandboxPki, legal: Legal, host: str, key: RSAPrivateKey, now: datetime
) -> dict[str, ca.Issued]:
    """Return what peers must refuse, name -> certificate; the revoked one is named by the next lists.

    Source: operators.md 2.5 (audit domains), reliability.md B03.
    """
    day = timedelta(days=1)
    stranger_root = ca.new_root(key, now, list_url=pki.root.list_url, name="AC INCONNUE")
    stranger = SandboxPki(
        stranger_root, ca.new_intermediate(stranger_root, key, now, list_url=pki.intermediate.list_url)
    )
    revoked = pki.server(legal, host, key=key, now=now)
    pki.revoked.append(revoked.certificate)
    return {
        "expired": pki.server(legal, host, key=key, now=now, not_before=now - 30 * day, not_after=now - day),
        "not-yet-valid": pki.server(legal, host, key=key, now=now, not_before=now + day),
        "revoked": revoked,
        "other-authority": stranger.server(legal, host, key=key, now=now),
        "other-name": pki.server(legal, f"autre-{host}", key=key, now=now),
    }


def write_pki(pki: SandboxPki, folder: Path, now: datetime) -> None:
    """Write anchors, intermediates, the keys of both authorities and new revocation lists in the folder."""
    write_private(folder / "authority" / "root.key", key_pem(pki.root.key))
    write_private(folder / "authority" / "intermediate.key", key_pem(pki.intermediate.key))
    write_public(folder / "anchors.pem", ca.certificate_pem(pki.root.certificate))
    write_public(folder / "intermediates.pem", ca.certificate_pem(pki.intermediate.certificate))
    write_lists(pki, folder, now)


def write_lists(pki: SandboxPki, folder: Path, now: datetime) -> None:
    """Write new revocation lists under ``crl/``, each replaced at once."""
    for name, der in pki.lists(now).items():
        new = folder / "crl" / f".{name}.new"
        write_public(new, der)
        new.replace(folder / "crl" / name)


def write_issued(pki: SandboxPki, issued: ca.Issued, folder: Path, name: str) -> tuple[Path, Path]:
    """Write ``<name>.pem`` (with its authority) and ``<name>.key``; return both paths."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    write_public(certificate, pki.chain_pem(issued))
    write_private(key, issued.key_pem)
    return certificate, key


def write_public(path: Path, data: bytes) -> None:
    """Write a file that everybody may read, with the folders above it."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.write_bytes(data)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, never readable by others even for an instant."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
