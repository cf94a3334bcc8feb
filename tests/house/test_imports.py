"""The import table of the house, read from the syntax tree of every module.

Source: design.md section 1.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "mssante"
MODULES = sorted(PACKAGE.rglob("*.py"))

# room -> rooms that it may import beside itself
MAY_IMPORT = {
    "model": set(),
    "wire": {"model"},
    "rules": {"model"},
    "store": {"model"},
    "links": {"model", "wire"},
    "flows": {"model", "rules", "store", "wire"},
    "doors": {"model", "wire", "flows"},
    "app": {"model", "wire", "rules", "store", "links", "flows", "doors"},
}
PURE = {"model", "wire", "rules"}
NEVER_IN_PURE = {
    "asyncio",
    "socket",
    "ssl",
    "sqlite3",
    "apsw",
    "time",
    "random",
    "os",
    "logging",
    "secrets",
    "threading",
}
NEVER_IN_FLOWS = {"socket", "ssl", "httpx2", "starlette", "uvicorn", "sqlite3", "apsw"}
# Of wire, the flows see the document formats only: protocols belong to doors and links.
FORMATS_FOR_FLOWS = {"annuaire", "cda", "mime", "oidc", "whitelist", "x509", "xdm"}
# The folders that their sisters may import: what they all stand on.
SEPARATE_FOLDERS = {"wire": {"mime"}, "doors": {"net"}}
# One file each, no folders: links do not import each other, except the pieces of one link.
SAME_LINK = {"smtp_"}


def imports_of(path: Path) -> set[str]:
    """Return the dotted names that the module imports, at any depth of its code."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def place_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(PACKAGE).with_suffix("").parts


def judge(place: tuple[str, ...], imported: str) -> str:
    """Return what is wrong with a module at that place importing that name, or ""."""
    room = place[0]
    parts = imported.split(".")
    if parts[0] != "mssante":
        if room in PURE and parts[0] in NEVER_IN_PURE:
            return f"a pure room must not import {parts[0]}"
        if room == "flows" and parts[0] in NEVER_IN_FLOWS:
            return f"flows must not import {parts[0]}"
        return ""
    if len(parts) < 2 or parts[1] == room:
        return judge_inside(place, parts)
    if parts[1] not in MAY_IMPORT[room]:
        return f"{room} must not import {parts[1]}"
    if room == "flows" and parts[1] == "wire" and len(parts) > 2 and parts[2] not in FORMATS_FOR_FLOWS:
        return f"flows must not import the protocol {parts[2]}"
    return ""


def judge_inside(place: tuple[str, ...], parts: list[str]) -> str:
    room = place[0]
    if len(parts) < 3 or len(place) < 2 or place[1] == parts[2]:
        return ""
    if room in SEPARATE_FOLDERS and parts[2] not in SEPARATE_FOLDERS[room] and (PACKAGE / room / parts[2]).is_dir():
        return f"{room}/{place[1]} must not import {room}/{parts[2]}"
    if room == "links" and not any(place[1].startswith(one) and parts[2].startswith(one) for one in SAME_LINK):
        return f"links/{place[1]} must not import links/{parts[2]}"
    return ""


def test_imports_only_what_the_table_allows() -> None:
    wrong = {
        f"{'/'.join(place_of(path))} -> {name}": fault
        for path in MODULES
        if place_of(path) != ("__init__",)
        for name in imports_of(path)
        if (fault := judge(place_of(path), name))
    }
    assert not wrong
    assert imports_of(PACKAGE / "__init__.py") == set()


def test_every_room_has_a_row_in_the_table() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("place", "imported"),
    [
        (("model", "address"), "mssante.store.engine"),
        (("rules", "federation"), "mssante.wire.x509.read"),
        (("wire", "smtp", "server"), "asyncio"),
        (("wire", "smtp", "server"), "mssante.wire.sasl.plain"),
        (("flows", "receive"), "mssante.links.smtp_out"),
        (("flows", "receive"), "mssante.wire.smtp.replies"),
        (("doors", "smtp", "operator"), "mssante.store.queue"),
        (("doors", "smtp", "operator"), "mssante.rules.federation"),
        (("doors", "smtp", "operator"), "mssante.doors.manager.app"),
        (("links", "documents"), "mssante.links.resolver"),
        (("links", "documents"), "mssante.store.lists"),
        (("store", "queue"), "mssante.app.config"),
    ],
)
def test_the_table_refuses_known_wrong_imports(place: tuple[str, ...], imported: str) -> None:
    assert judge(place, imported)


@pytest.mark.parametrize(
    ("place", "imported"),
    [
        (("wire", "smtp", "server"), "mssante.wire.smtp.commands"),
        (("wire", "smtp", "server"), "mssante.wire.mime.headers"),
        (("links", "smtp_out"), "mssante.links.smtp_dialogue"),
        (("flows", "trust"), "mssante.wire.whitelist.read"),
        (("app", "compose"), "mssante.links.smtp_out"),
    ],
)
def test_the_table_allows_known_right_imports(place: tuple[str, ...], imported: str) -> None:
    assert not judge(place, imported)
