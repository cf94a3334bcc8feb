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

from mssante.model import settings as s
from mssante.model.errors import ConfigError

CONFIG_ENVIRONMENT: Final = "MSSANTE_CONFIG"
DEFAULT_CONFIG: Final = Path("/etc/mssante/mssante.toml")
ROLES: Final = ("operator", "manager")
CONFIG_MAX_BYTES: Final = 1024 * 1024
SECRET_MIN_BYTES: Final = 32

CHOICES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("operator", "language"): ("fr",),
    ("trust", "signature"): ("absent-allowed", "required"),
    ("trust", "dn_comparison"): ("structural", "strict"),
    ("smtp", "header_from"): ("log", "refuse"),
    ("resolver", "mode"): ("dns", "static"),
    ("logs", "format"): ("json", "console"),
    ("logs", "level"): ("debug", "info", "warning", "error"),
}
"""Settings that take one of a few words."""


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
    limits: s.LimitSettings = field(default_factory=s.LimitSettings)
    store: s.StoreSettings = field(default_factory=s.StoreSettings)
    queue: s.QueueSettings = field(default_factory=s.QueueSettings)
    resolver: s.ResolverSettings = field(default_factory=s.ResolverSettings)
    manager: s.ManagerSettings = field(default_factory=s.ManagerSettings)
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
            msg = f"{path}: section [{name}] is missing; `mssante init` writes a complete file to start from"
            raise ConfigError(msg)
    config = Config(**values)
    _check_whole(config)
    return config


def _check_whole(config: Config) -> None:
    """Refuse settings that are sound alone and not together."""
    problem = ""
    if not config.trust.list_url.startswith("https://"):
        problem = f"[trust] list_url must begin with https://, not {config.trust.list_url!r}"
    elif config.trust.signature == "required" and not config.trust.signer_names:
        problem = '[trust] signature is "required" but signer_names is empty; name the certificates that may sign'
    elif config.trust.shrink_share > 1:
        problem = f"[trust] shrink_share must be between 0 and 1, not {config.trust.shrink_share}"
    if problem:
        msg = f"{config.source}: {problem}"
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
        msg = f"secret file {path}: {error.strerror}; make it with `mssante init` or give its right path"
        raise ConfigError(msg) from error
    if mode & 0o077:
        msg = f"secret file {path} can be read by others; run: chmod 600 {path}"
        raise ConfigError(msg)
    if len(data) < SECRET_MIN_BYTES:
        msg = f"secret file {path} holds {len(data)} bytes; at least {SECRET_MIN_BYTES} random bytes are needed"
        raise ConfigError(msg)
    return data


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        fix = f"give another with --config or {CONFIG_ENVIRONMENT}, or run `mssante init`"
        msg = f"configuration {path}: {error.strerror}; {fix}"
        raise ConfigError(msg) from error
    if len(raw) > CONFIG_MAX_BYTES:
        msg = f"configuration {path} is larger than {CONFIG_MAX_BYTES} bytes; is it the right file?"
        raise ConfigError(msg)
    try:
        return tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"configuration {path} is not TOML: {error}"
        raise ConfigError(msg) from error


def _read_role(path: Path, tree: Mapping[str, Any]) -> str:
    role = tree.get("role", "operator")
    if role not in ROLES:
        msg = f'{path}: role must be "operator" or "manager", not {role!r}'
        raise ConfigError(msg)
    return str(role)


def _read_section(path: Path, name: str, tree: object, cls: type[Any]) -> object:
    if not isinstance(tree, dict):
        msg = f"{path}: [{name}] must be a section, not a single value"
        raise ConfigError(msg)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    _refuse_unknown(path, name, tree, set(fields))
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, spec in fields.items():
        if key in tree:
            values[key] = _convert(path, name, key, tree[key], hints[key])
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            msg = f"{path}: [{name}] {key} is missing; docs/settings.md says what it is"
            raise ConfigError(msg)
    return cls(**values)


def _refuse_unknown(path: Path, section: str, tree: Mapping[str, Any], known: set[str]) -> None:
    for key in tree:
        if key not in known:
            where = f"[{section}] " if section else ""
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            msg = f"{path}: {where}{key} is not a setting; {hint}"
            raise ConfigError(msg)


def _convert(path: Path, section: str, key: str, value: object, hint: object) -> object:
    choices = CHOICES.get((section, key))
    if choices and value not in choices:
        wanted = ", ".join(f'"{choice}"' for choice in choices)
        msg = f"{path}: [{section}] {key} must be one of {wanted}, not {value!r}"
        raise ConfigError(msg)
    converted = _as_type(path, value, hint)
    if converted is None:
        msg = f"{path}: [{section}] {key} must be {_type_name(hint)}, not {value!r}"
        raise ConfigError(msg)
    if (
        isinstance(converted, int | float)
        and not isinstance(converted, bool)
        and converted < 0
        and not key.endswith("port")
    ):
        msg = f"{path}: [{section}] {key} must not be negative, not {value!r}"
        raise ConfigError(msg)
    return converted


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
        int: "a whole number",
        float: "a number",
        str: "a text",
        bool: "true or false",
        Path: "a path",
        tuple[str, ...]: "a list of texts",
    }
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    return names.get(typing.cast("Any", hint), "a table of lists of texts")
