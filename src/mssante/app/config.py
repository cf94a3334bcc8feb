"""Read the configuration file: TOML to the frozen settings of `mssante.model.settings`.

Unknown keys, wrong types, missing files and unreadable keys stop the start with one line that names the thing and
the fix. Not for what administrators change in service (domains, mailboxes, the list): that lives in the store.
"""

import dataclasses
import difflib
import os
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from mssante.model import settings as s
from mssante.model.directory_settings import DirectorySettings, LdapSettings
from mssante.model.document_settings import DocumentSettings
from mssante.model.errors import ConfigError
from mssante.model.life_cycle import LifeCycleSettings
from mssante.model.publication import PublicationSettings
from mssante.model.system import reason
from mssante.rules.life_cycle import settings_fault

CONFIG_ENVIRONMENT: Final = "MSSANTE_CONFIG"
DEFAULT_CONFIG: Final = Path("/etc/mssante/mssante.toml")
ROLES: Final = ("operator", "manager", "identity")
CONFIG_MAX_BYTES: Final = 1024 * 1024
SECRET_MIN_BYTES: Final = 32

CHOICES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("trust", "signature"): ("absent-allowed", "required"),
    ("trust", "dn_comparison"): ("structural", "strict"),
    ("smtp", "header_from"): ("log", "refuse"),
    ("store", "engine"): ("sqlite", "postgresql"),
    ("blobs", "engine"): ("files", "s3"),
    ("autoconfig", "prefer"): ("starttls", "tls"),
    ("resolver", "mode"): ("dns", "static"),
    ("identity", "mode"): ("jwt", "introspection"),
    ("identity", "token_expiry"): ("login-only", "grace"),
    ("documents", "check_submitted"): ("refuse", "log"),
    ("publication", "unknown_situation"): ("person", "refuse"),
    ("logs", "format"): ("json", "console"),
    ("logs", "level"): ("debug", "info", "warning", "error"),
}
"""Settings that take one of a few words."""

ZERO_ALLOWED: Final = frozenset(
    {
        "shrink_share",
        "crl_max_age_seconds",
        "inline_bytes",
        "spool_memory_bytes",
        "dedupe_seconds",
        "skew_seconds",
        "close_after_seconds",
        "free_bytes",
        "daily_entries",
        "least_share",
        "bad_share",
        "reminder_days",
        "retries",
        "suspend_days",
    }
)
"""Numbers that may be zero; for the others zero would stop the work or make it turn without a pause."""
CLOSABLE: Final = frozenset({("autoconfig", "port"), ("directory", "port"), ("imap", "port"), ("ldap", "port")})
"""Doors that -1 closes, beside those with implicit TLS."""
SMALLEST: Final = 0.001
LARGEST: Final = 1e15
LONGEST: Final = 1e10
"""Seconds: three centuries, which dates can still hold."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration file, one attribute per section."""

    source: Path
    operator: s.OperatorSettings
    tls: s.TlsSettings
    trust: s.TrustSettings
    secrets: s.SecretSettings
    role: str = "operator"
    smtp: s.SmtpSettings = field(default_factory=s.SmtpSettings)
    submission: s.SubmissionSettings = field(default_factory=s.SubmissionSettings)
    identity: s.IdentitySettings = field(default_factory=s.IdentitySettings)
    imap: s.ImapSettings = field(default_factory=s.ImapSettings)
    autoconfig: s.AutoconfigSettings = field(default_factory=s.AutoconfigSettings)
    directory: DirectorySettings = field(default_factory=DirectorySettings)
    ldap: LdapSettings = field(default_factory=LdapSettings)
    documents: DocumentSettings = field(default_factory=DocumentSettings)
    publication: PublicationSettings = field(default_factory=PublicationSettings)
    life_cycle: LifeCycleSettings = field(default_factory=LifeCycleSettings)
    limits: s.LimitSettings = field(default_factory=s.LimitSettings)
    store: s.StoreSettings = field(default_factory=s.StoreSettings)
    blobs: s.BlobSettings = field(default_factory=s.BlobSettings)
    queue: s.QueueSettings = field(default_factory=s.QueueSettings)
    resolver: s.ResolverSettings = field(default_factory=s.ResolverSettings)
    manager: s.ManagerSettings = field(default_factory=s.ManagerSettings)
    provider: s.ProviderSettings = field(default_factory=s.ProviderSettings)
    logs: s.LogSettings = field(default_factory=s.LogSettings)


def find_config(given: Path | None) -> Path:
    """Return the file to read: the one given, else that of ``MSSANTE_CONFIG``, else ``/etc/mssante/mssante.toml``."""
    if given is not None:
        return given
    return Path(os.environ.get(CONFIG_ENVIRONMENT, DEFAULT_CONFIG))


def read_config(path: Path) -> Config:
    """Return the settings that the file holds; relative paths in it are from the file's own folder.

    Raises:
        ConfigError: the file, a section or a key cannot be used; the text says which and what to do.
    """
    tree = _read_toml(path)
    sections = {f.name: f for f in dataclasses.fields(Config) if f.name not in {"source", "role"}}
    _refuse_unknown(path, "", tree, {"role", *sections})
    values: dict[str, Any] = {"source": path, "role": _read_role(path, tree)}
    for name, spec in sections.items():
        cls = typing.cast("type[Any]", spec.type)
        if name in tree:
            values[name] = _read_section(path, name, tree[name], cls)
        elif spec.default_factory is dataclasses.MISSING:
            msg = f"{path} : il manque la section [{name}] ; `mssante init` écrit un fichier complet pour commencer"
            raise ConfigError(msg)
    config = Config(**values)
    _check_whole(config)
    return config


def _bucket_fault(blobs: s.BlobSettings) -> str:
    """Return what keeps an object store from being used, "" for nothing."""
    address = urlsplit(blobs.endpoint)
    if address.scheme not in {"http", "https"} or not address.hostname:
        return '[blobs] engine est "s3" : donnez endpoint, par exemple https://s3.exemple.fr'
    if address.scheme == "http" and address.hostname not in {"127.0.0.1", "::1", "localhost"}:
        return f"[blobs] endpoint {blobs.endpoint} : http n'est permis que sur cette machine ; donnez une adresse https"
    if blobs.prefix and not {"", ".", ".."}.isdisjoint(blobs.prefix.strip("/").split("/")):
        return f"[blobs] prefix {blobs.prefix!r} : donnez un nom, ou plusieurs séparés par une seule barre"
    return "" if blobs.bucket else '[blobs] engine est "s3" : donnez bucket, le nom du seau des corps de messages'


def _check_whole(config: Config) -> None:
    """Refuse settings that are sound alone and not together."""
    problem = ""
    if not config.trust.list_url.startswith("https://"):
        problem = f"[trust] list_url doit commencer par https:// ({config.trust.list_url!r})"
    elif config.trust.signature == "required" and not config.trust.signer_names:
        problem = '[trust] signature est "required" mais signer_names est vide ; nommez les signataires'
    elif config.trust.shrink_share > 1:
        problem = f"[trust] shrink_share doit être entre 0 et 1 ({config.trust.shrink_share})"
    elif config.directory.least_share > 1 or config.directory.bad_share > 1:
        problem = "[directory] least_share et bad_share doivent être entre 0 et 1"
    elif config.blobs.engine == "s3" and (fault := _bucket_fault(config.blobs)):
        problem = fault
    elif config.store.engine == "postgresql" and not config.store.dsn:
        problem = '[store] engine est "postgresql" : donnez dsn, par exemple postgresql://mssante@serveur/mssante'
    elif fault := settings_fault(config.life_cycle):
        problem = f"[life_cycle] {fault}"
    if problem:
        msg = f"{config.source} : {problem}"
        raise ConfigError(msg)


def read_secret(path: Path) -> bytes:
    """Return the bytes of a secret file.

    Raises:
        ConfigError: missing, unreadable, too short, or readable by others.
    """
    try:
        data = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        msg = f"secret {path} : {reason(error)} ; créez-le avec `mssante init` ou donnez son vrai chemin"
        raise ConfigError(msg) from error
    if mode & 0o077:
        msg = f"secret {path} : lisible par d'autres utilisateurs ; tapez : chmod 600 {path}"
        raise ConfigError(msg)
    if len(data) < SECRET_MIN_BYTES:
        msg = f"secret {path} : trop court ; il faut au moins {SECRET_MIN_BYTES} octets tirés au hasard"
        raise ConfigError(msg)
    return data


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        fix = f"donnez-en une autre avec --config ou {CONFIG_ENVIRONMENT}, ou tapez `mssante init`"
        msg = f"configuration {path} : {reason(error)} ; {fix}"
        raise ConfigError(msg) from error
    if len(raw) > CONFIG_MAX_BYTES:
        msg = f"configuration {path} : plus de {CONFIG_MAX_BYTES} octets ; est-ce le bon fichier ?"
        raise ConfigError(msg)
    try:
        return tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"configuration {path} : ce n'est pas du TOML ({error}) ; corrigez ce passage"
        raise ConfigError(msg) from error


def _read_role(path: Path, tree: Mapping[str, Any]) -> str:
    role = tree.get("role", "operator")
    if role not in ROLES:
        msg = f'{path} : role doit être "operator", "manager" ou "identity" ({role!r})'
        raise ConfigError(msg)
    return str(role)


def _read_section(path: Path, name: str, tree: object, cls: type[Any]) -> object:
    if not isinstance(tree, dict):
        msg = f"{path} : [{name}] doit être une section, pas une valeur"
        raise ConfigError(msg)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    _refuse_unknown(path, name, tree, set(fields))
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, spec in fields.items():
        if key in tree:
            values[key] = _convert(path, name, key, tree[key], hints[key])
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            msg = f"{path} : il manque [{name}] {key} ; docs/settings.md dit ce que c'est"
            raise ConfigError(msg)
    return cls(**values)


def _refuse_unknown(path: Path, section: str, tree: Mapping[str, Any], known: set[str]) -> None:
    for key in tree:
        if key not in known:
            where = f"[{section}] " if section else ""
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"peut-être {near[0]!r} ?" if near else f"réglages connus : {', '.join(sorted(known))}"
            msg = f"{path} : {where}{key} n'est pas un réglage ; {hint}"
            raise ConfigError(msg)


def _convert(path: Path, section: str, key: str, value: object, hint: object) -> object:
    choices = CHOICES.get((section, key))
    if choices and value not in choices:
        wanted = ", ".join(f'"{choice}"' for choice in choices)
        msg = f"{path} : [{section}] {key} doit être l'un de {wanted} ({value!r})"
        raise ConfigError(msg)
    converted = _as_type(path, value, hint)
    if converted is None:
        msg = f"{path} : [{section}] {key} doit être {_type_name(hint)} ({value!r})"
        raise ConfigError(msg)
    if isinstance(converted, int | float) and not isinstance(converted, bool):
        least, most = _bounds(section, key)
        if not least <= converted <= most:
            msg = f"{path} : [{section}] {key} doit être de {least:g} à {most:.0f} ({value!r})"
            raise ConfigError(msg)
    return converted


def _bounds(section: str, key: str) -> tuple[float, float]:
    """Return the least and the largest value of a number: no endless wait, no pool without workers, no false port."""
    if key.endswith("port"):
        closable = key.endswith("implicit_port") or (section, key) in CLOSABLE
        return (-1 if closable else 0), 65535
    if key in {"priority", "weight"}:
        return 0, 65535
    is_time = key.endswith("_seconds")
    least = 0 if key in ZERO_ALLOWED else SMALLEST if is_time or key.endswith("_factor") else 1
    return least, (LONGEST if is_time else LARGEST)


def _as_type(path: Path, value: object, hint: object) -> object | None:
    """Return the value in the type of the setting, or None when it cannot be that."""
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    if hint is Path:
        return (path.parent / value) if isinstance(value, str) and value else None
    if hint is float:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if hint is int:
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    if hint is bool or hint is str:
        return value if isinstance(value, typing.cast("type", hint)) else None
    if typing.get_origin(hint) is tuple:
        return tuple(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else None
    return _as_table(path, value)


def _as_table(path: Path, value: object) -> dict[str, tuple[str, ...]] | None:
    if not isinstance(value, dict):
        return None
    table = {str(name): _as_type(path, hosts, tuple[str, ...]) for name, hosts in value.items()}
    return None if None in table.values() else typing.cast("dict[str, tuple[str, ...]]", table)


def _type_name(hint: object) -> str:
    names = {
        int: "un nombre entier",
        float: "un nombre",
        str: "un texte",
        bool: "true ou false",
        Path: "un chemin",
        tuple[str, ...]: "une liste de textes",
    }
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    return names.get(typing.cast("Any", hint), "une table de listes de textes")
