"""Lay a sandbox out in a folder: keys and certificates, configuration files, stores with their mailboxes.

Everything an operator of the sandbox needs stands in its own folder, as a real one would have it. Not for starting
the programs (see `mssante.app.sandbox.processes`).
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from mssante.app.directory import KeyEntry, add_key
from mssante.app.identity import issuer_of
from mssante.app.sandbox import authority as ca
from mssante.app.sandbox import space
from mssante.app.sandbox.keys import new_keys
from mssante.app.sandbox.pki import (
    LOOPBACK,
    Legal,
    SandboxPki,
    bad_certificates,
    new_pki,
    write_issued,
    write_pki,
    write_private,
    write_public,
)
from mssante.app.sandbox.ports import free_ports
from mssante.doors.manager.app import EXTRACTION_PATH

SECRET_BYTES: Final = 32
REFRESH_SECONDS: Final = 30
LOGS: Final = "journaux"
DIRECTORY_KEYS: Final = "cles-annuaire.toml"
# The sandbox's list has few domains, and the demonstration takes one out: the guard against shrinking must let it.
SHRINK_SHARE: Final = 0.5
# Root, intermediate, bad peers, manager, identity provider; one for each server; one for the software of an operator.
_KEYS: Final = 5 + sum(1 + any(box.software for box in plan.mailboxes) for plan in space.OPERATORS)
Section = Mapping[str, object]
Common = Mapping[str, Section]
"""Sections that every part of the space has alike, by name."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path
    name: str


@dataclass(frozen=True, slots=True)
class Ports:
    """The doors of one operator, all on loopback."""

    smtp: int
    submission: int
    submissions: int
    imap: int
    imaps: int
    autoconfig: int
    directory: int
    ldap: int
    ldaps: int


@dataclass(frozen=True, slots=True)
class Laid:
    """One operator as laid out.

    Attributes:
        server: its SERV SSL certificate.
        software: common name -> ORG AUTH_CLI certificate of the software that opens its APP boxes.
    """

    plan: space.PlannedOperator
    folder: Path
    config: Path
    ports: Ports
    server: Pair
    software: Mapping[str, Pair]


@dataclass(frozen=True, slots=True)
class LaidIdentity:
    """The identity provider as laid out.

    Attributes:
        issuer: as its tokens name it.
        people: JSON file of the people and programs.
    """

    config: Path
    port: int
    issuer: str
    people: Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole space as laid out.

    Attributes:
        anchors: PEM file of the root.
        intermediates: PEM file of the authority that issues.
        directory_port: of the manager's directory, where operators publish their mailboxes.
        identity: the provider that signs invented people in.
        entries: what the manager lists: (domain, certificate name, description).
        visitors: certificates of parties without a server: visitor, leaving, unlisted.
        bad: certificates that must be refused, by their fault.
        twin: a second node of the hospital, on the same store.
    """

    folder: Path
    anchors: Path
    intermediates: Path
    manager_config: Path
    manager_port: int
    directory_port: int
    identity: LaidIdentity
    operators: tuple[Laid, ...]
    entries: tuple[tuple[str, str, str], ...]
    visitors: Mapping[str, Pair]
    bad: Mapping[str, Pair]
    twin: Laid | None = None

    def operator_of(self, domain: str) -> Laid:
        """Return the operator that has the domain."""
        return next(laid for laid in self.operators if domain in laid.plan.domains)


def lay_out(folder: Path, now: datetime, shared: Common | None = None) -> Layout:
    """Write keys, certificates and configuration files under the folder; return where everything is.

    Args:
        shared: sections of a store that two nodes of the hospital share; None: it has one node, with files of its own.
    """
    now = now.replace(microsecond=0)
    ports = free_ports(3 + len(fields(Ports)) * (len(space.OPERATORS) + 1))
    manager_port, directory_port, provider_port = ports.pop(), ports.pop(), ports.pop()
    pki_folder = folder / "pki"
    keys = iter(new_keys(_KEYS))
    pki = new_pki(next(keys), next(keys), now, base_url=f"https://{LOOPBACK}:{manager_port}")
    bad, visitors = _peers(pki, next(keys), pki_folder, now)
    write_pki(pki, pki_folder, now)
    opened = _directory_keys(folder)
    servers = {plan.key: _server(pki, plan, next(keys), folder / plan.key, now) for plan in space.OPERATORS}
    where = {plan.key: Ports(*(ports.pop() for _ in fields(Ports))) for plan in space.OPERATORS}
    twin_ports = Ports(*(ports.pop() for _ in fields(Ports)))
    doors = {plan.key: [where[plan.key].smtp] for plan in space.OPERATORS}
    if shared is not None:
        doors[space.HOSPITAL.key].append(twin_ports.smtp)
    table = {
        domain: [f"{plan.host}={LOOPBACK}:{port}" for port in doors[plan.key]]
        for plan in space.OPERATORS
        for domain in plan.domains
    }
    common = _common(pki_folder, manager_port)
    identity = _identity(pki, next(keys), folder / space.IDENTITY_KEY, provider_port, common, now)
    common["identity"] = {"issuer": identity.issuer, "audience": [space.DESKTOP_CLIENT, space.SERVER_CLIENT]}
    laid = tuple(
        _operator(
            plan,
            folder / plan.key,
            where[plan.key],
            servers[plan.key],
            _software(pki, plan, keys, folder, now),
            common,
            table,
            _publication(opened.get(plan.key), manager_port, directory_port),
            shared if plan is space.HOSPITAL else None,
        )
        for plan in space.OPERATORS
    )
    twin = None if shared is None else _twin(laid, folder, twin_ports, common, table, shared)
    manager = _manager(pki, next(keys), folder / space.MANAGER_KEY, (manager_port, directory_port), common, now)
    return Layout(
        folder=folder,
        anchors=pki_folder / "anchors.pem",
        intermediates=pki_folder / "intermediates.pem",
        manager_config=manager,
        manager_port=manager_port,
        directory_port=directory_port,
        identity=identity,
        operators=laid,
        entries=_entries(laid, visitors),
        visitors=visitors,
        bad=bad,
        twin=twin,
    )


def toml_text(sections: Mapping[str, Section | str]) -> str:
    """Return the settings as TOML; strings are written as JSON strings, which TOML reads the same."""
    lines = [f"{name} = {_toml(value)}" for name, value in sections.items() if isinstance(value, str)]
    for name, section in sections.items():
        if isinstance(section, str):
            continue
        lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in section.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(str(key))} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _peers(pki: SandboxPki, key: RSAPrivateKey, folder: Path, now: datetime) -> tuple[dict[str, Pair], dict[str, Pair]]:
    """Issue the certificates of the bad peers and of the parties without a server; one key serves them all."""
    bad = bad_certificates(pki, space.VISITOR_LEGAL, space.VISITOR_HOST, key, now)
    good = {
        "visitor": pki.server(space.VISITOR_LEGAL, space.VISITOR_HOST, key=key, now=now),
        "leaving": pki.server(space.VISITOR_LEGAL, space.LEAVING_HOST, key=key, now=now),
        "unlisted": pki.server(
            Legal("INCONNU", space.VISITOR_LEGAL.structure, "Paris (75)"), "mss.inconnu.fr", key=key, now=now
        ),
    }
    return (
        {name: _pair(pki, issued, folder / "bad", name) for name, issued in bad.items()},
        {name: _pair(pki, issued, folder / "visitors", name) for name, issued in good.items()},
    )


def _server(pki: SandboxPki, plan: space.PlannedOperator, key: RSAPrivateKey, folder: Path, now: datetime) -> Pair:
    return _pair(pki, pki.server(plan.legal, plan.host, key=key, now=now), folder, "server")


def _software(
    pki: SandboxPki, plan: space.PlannedOperator, keys: Iterator[RSAPrivateKey], folder: Path, now: datetime
) -> dict[str, Pair]:
    boxes = [box for box in plan.mailboxes if box.software]
    if not boxes:
        return {}
    key = next(keys)
    return {
        box.software: _pair(
            pki, pki.client(plan.legal, box.software, key=key, now=now), folder / plan.key, box.address.local
        )
        for box in boxes
    }


def _pair(pki: SandboxPki, issued: ca.Issued, folder: Path, name: str) -> Pair:
    certificate, key = write_issued(pki, issued, folder, name)
    return Pair(certificate, key, issued.name)


def _common(pki_folder: Path, manager_port: int) -> dict[str, dict[str, object]]:
    return {
        "tls": {"anchors": pki_folder / "anchors.pem", "intermediates": pki_folder / "intermediates.pem"},
        "trust": {
            "list_url": f"https://{LOOPBACK}:{manager_port}/listeblanchemssante.xml",
            "refresh_seconds": REFRESH_SECONDS,
            "shrink_share": SHRINK_SHARE,
        },
        "logs": {"format": "json", "level": "info"},
    }


def _operator(
    plan: space.PlannedOperator,
    folder: Path,
    ports: Ports,
    server: Pair,
    software: Mapping[str, Pair],
    common: Common,
    table: Mapping[str, list[str]],
    told: Common,
    shared: Common | None = None,
    secrets_folder: Path | None = None,
) -> Laid:
    """Write the configuration of an operator, or of a node of one, which shares its secrets and its store."""
    who = {"name": plan.name, "hostname": plan.host, "postmaster": str(plan.postmaster)}
    config = _write_config(
        folder,
        "operator",
        who,
        server,
        common,
        smtp={"host": LOOPBACK, "port": ports.smtp},
        submission={"host": LOOPBACK, "port": ports.submission, "implicit_port": ports.submissions},
        imap={"host": LOOPBACK, "port": ports.imap, "implicit_port": ports.imaps},
        identity=common["identity"],
        autoconfig={"host": LOOPBACK, "port": ports.autoconfig},
        ldap={"host": LOOPBACK, "port": ports.ldap, "implicit_port": ports.ldaps},
        directory={"host": LOOPBACK, "port": ports.directory, "near": plan.near, **told["directory"]},
        publication=told["publication"],
        # Mon espace santé refuses more (clients.md 5.9); the sender's operator explains it.
        limits={"message_bytes": 25_000_000} if plan is space.CITIZENS else {},
        documents={"product": "SANDBOX", "allow_test": True},
        queue={"first_retry_seconds": 1, "poll_seconds": 1},
        resolver={"mode": "static", "table": table},
        secrets=_secrets(folder) if secrets_folder is None else _secret_files(secrets_folder),
        **(shared or {}),
    )
    return Laid(plan, folder, config, ports, server, software)


def _twin(
    laid: tuple[Laid, ...],
    folder: Path,
    ports: Ports,
    common: Common,
    table: Mapping[str, list[str]],
    shared: Common,
) -> Laid:
    """Write the second node of the hospital: the same name, certificates and secrets, doors and a folder of its own."""
    first = next(one for one in laid if one.plan is space.HOSPITAL)
    told: Common = {"directory": {}, "publication": {}}
    return _operator(
        first.plan,
        folder / f"{first.plan.key}-2",
        ports,
        first.server,
        first.software,
        common,
        table,
        told,
        shared,
        first.folder,
    )


def _directory_keys(folder: Path) -> dict[str, Path]:
    """Give each operator with professionals a key of the manager's directory; return its file, by operator."""
    found: dict[str, Path] = {}
    (folder / space.MANAGER_KEY).mkdir(parents=True)
    for plan in space.PUBLISHING:
        made = secrets.token_urlsafe(SECRET_BYTES)
        entry = KeyEntry(plan.name, hashlib.sha256(made.encode()).hexdigest(), plan.key)
        add_key(folder / space.MANAGER_KEY / DIRECTORY_KEYS, entry)
        found[plan.key] = folder / plan.key / "secrets" / "annuaire.key"
        write_private(found[plan.key], made.encode())
    return found


def _publication(key: Path | None, manager_port: int, directory_port: int) -> dict[str, Section]:
    """Return the sections of an operator that tell where it publishes, and where it fetches what all have published."""
    if key is None:
        return {"directory": {}, "publication": {}}
    told = {
        "directory_url": f"https://{LOOPBACK}:{directory_port}/fhir/v2",
        "api_key": key,
        "poll_seconds": 0.2,
        # Until the manager has its directory.
        "first_retry_seconds": 3,
        "longest_retry_seconds": 3,
    }
    return {
        "directory": {"source": f"https://{LOOPBACK}:{manager_port}{EXTRACTION_PATH}"},
        "publication": told,
    }


def _manager(
    pki: SandboxPki, key: RSAPrivateKey, folder: Path, ports: tuple[int, int], common: Common, now: datetime
) -> Path:
    server = _pair(pki, pki.server(space.MANAGER_LEGAL, space.MANAGER_HOST, key=key, now=now), folder, "server")
    who = {
        "name": "Gestionnaire de l'espace de confiance",
        "hostname": space.MANAGER_HOST,
        "postmaster": f"postmaster@{space.MANAGER_HOST}",
    }
    manager = {"host": LOOPBACK, "port": ports[0], "crl_dir": folder.parent / "pki" / "crl"}
    directory = {
        "host": LOOPBACK,
        "port": ports[1],
        "public_url": f"https://{LOOPBACK}:{ports[1]}",
        "api_keys": folder / DIRECTORY_KEYS,
    }
    return _write_config(folder, "manager", who, server, common, manager=manager, directory=directory)


def _identity(
    pki: SandboxPki, key: RSAPrivateKey, folder: Path, port: int, common: Common, now: datetime
) -> LaidIdentity:
    server = _pair(pki, pki.server(space.MANAGER_LEGAL, space.IDENTITY_HOST, key=key, now=now), folder, "server")
    people = folder / "personnes.json"
    clients = [
        {"client_id": space.DESKTOP_CLIENT, "secret": "", "redirect_uris": ["http://127.0.0.1/retour"]},
        {"client_id": space.SERVER_CLIENT, "secret": _secret(), "redirect_uris": [], "auto_approve": True},
        {"client_id": space.PHONE_CLIENT, "secret": _secret(), "redirect_uris": []},
    ]
    facts = {"people": space.people(), "clients": clients}
    write_private(people, json.dumps(facts, ensure_ascii=False, indent=1).encode())
    who = {
        "name": "Fournisseur d'identité d'essai",
        "hostname": space.IDENTITY_HOST,
        "postmaster": f"postmaster@{space.MANAGER_HOST}",
    }
    provider = {"host": LOOPBACK, "port": port, "public_name": LOOPBACK, "people": people}
    config = _write_config(folder, "identity", who, server, common, provider=provider)
    return LaidIdentity(config, port, issuer_of(LOOPBACK, port), people)


def _secret() -> str:
    return secrets.token_urlsafe(24)


def _write_config(
    folder: Path, role: str, who: Mapping[str, str], server: Pair, common: Common, **own: Section
) -> Path:
    """Write the configuration of one part of the space, with new secrets; return its file.

    Args:
        folder: of the part.
        role, who: what it is; name, host name and postmaster.
        server: its certificate.
        common: sections that all share.
        own: its own sections.
    """
    sections: dict[str, Section | str] = {
        "role": role,
        "operator": {**who, "data_dir": folder / "data"},
        "tls": {"certificate": server.certificate, "key": server.key, **common["tls"]},
        "trust": common["trust"],
        **own,
        "logs": common["logs"],
    }
    if "secrets" not in own:
        sections["secrets"] = _secrets(folder)
    config = folder / "mssante.toml"
    write_public(config, toml_text(sections).encode())
    return config


def _secret_files(folder: Path) -> dict[str, Path]:
    return {name: folder / "secrets" / f"{name}.bin" for name in ("credential_key", "trace_key")}


def _secrets(folder: Path) -> dict[str, Path]:
    paths = _secret_files(folder)
    for path in paths.values():
        write_private(path, secrets.token_bytes(SECRET_BYTES))
    (folder / "secrets").chmod(0o700)
    return paths


def _entries(laid: tuple[Laid, ...], visitors: Mapping[str, Pair]) -> tuple[tuple[str, str, str], ...]:
    listed = [(domain, one.server.name, text) for one in laid for domain, text in one.plan.domains.items()]
    listed.append((space.VISITOR_DOMAIN, visitors["visitor"].name, "Partie sans serveur, pour les essais"))
    listed.append((space.LEAVING_DOMAIN, visitors["leaving"].name, "Partie que l'on retire de la liste"))
    return tuple(listed)
