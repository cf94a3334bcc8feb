"""A site whose people sign in with the tokens of a provider that publishes its keys over HTTPS."""

import base64
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from https_server import HttpsServer, authority, https_server
from proofs import HERE, Stage, hang_up, one_site
from provider import ISSUER, RPPS, Provider
from world import Talk

from mssante.model.address import parse_address
from mssante.model.mailbox import AccountKind, MailboxType
from mssante.model.settings import IdentitySettings
from mssante.store import accounts, mailboxes
from mssante.store.tx import Tx

DOCTOR = f"docteur@{HERE}"


@dataclass
class Scene:
    """A site whose people sign in with the provider's tokens."""

    stage: Stage
    provider: Provider
    server: HttpsServer = field(default_factory=HttpsServer)

    def token(self, **changes: Any) -> str:  # noqa: ANN401 - claims are any JSON
        now = int(time.time())
        return self.provider.token(**{"iat": now, "exp": now + 240, **changes})

    @asynccontextmanager
    async def talk(self) -> AsyncIterator[Talk]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.stage.world.folder / "pki" / "anchors.pem")
        talk = await Talk.secure(self.stage.site.ports["submission"], context)
        try:
            yield talk
        finally:
            await hang_up(talk.writer)


async def _doctor(tx: Tx) -> None:
    now = datetime.now(UTC)
    box = await mailboxes.create_mailbox(
        tx, parse_address(DOCTOR), MailboxType.PER, holder="D", identifier=RPPS, quota_bytes=2**20, now=now
    )
    account = await accounts.create_account(tx, DOCTOR, AccountKind.PERSON, certificate_name=None, now=now)
    await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)


@asynccontextmanager
async def scene_in(folder: Path, pki: Any, **settings: Any) -> AsyncIterator[Scene]:  # noqa: ANN401 - see conftest
    provider, signer = Provider(), authority()
    anchors = folder / "web-root.pem"
    anchors.write_bytes(signer.certificate.public_bytes(serialization.Encoding.PEM))
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(https_server(folder, signer))
        keys = [key.as_dict(private=False) for key in provider.keys.values()]
        server.pages["/keys"] = lambda _: json.dumps({"keys": keys}).encode()
        identity = IdentitySettings(
            issuer=ISSUER, audience=("mssante",), jwks_url=server.url("/keys"), anchors=anchors, **settings
        )
        stage = await stack.enter_async_context(one_site(folder, pki, identity=identity))
        await stage.site.operator.store.write(_doctor)
        yield Scene(stage, provider, server)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def xoauth2(user: str, token: str) -> str:
    return b64(f"user={user}\x01auth=Bearer {token}\x01\x01")


def oauthbearer(user: str, token: str) -> str:
    return b64(f"n,a={user},\x01host=localhost\x01port=587\x01auth=Bearer {token}\x01\x01")
