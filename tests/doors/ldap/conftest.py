"""The doors are proved on the event loop that the program runs on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from ldap_talk import Doors, ldap_doors, write_pair

from mssante.app.sandbox.authority import certificate_pem


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return uvloop's loop."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def pem_folder(tmp_path: Path, pki) -> Path:
    """Return a folder with what a server and a client need of the PKI."""
    above = certificate_pem(pki.pki.intermediate.certificate)
    (tmp_path / "anchors.pem").write_bytes(certificate_pem(pki.pki.root.certificate) + above)
    write_pair(tmp_path, "server", pki.operator, above)
    return tmp_path


@pytest.fixture
async def doors(pem_folder: Path, pki) -> AsyncIterator[Doors]:
    """Yield both doors to the sample directory."""
    async with ldap_doors(pem_folder, certificate_name=pki.application.name) as made:
        yield made
