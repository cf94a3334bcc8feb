"""Thunderbird under Xvfb: sets itself up from an address alone, reads a letter, sends one.

The test gives it the address and the password; host names, ports and kinds of sign-in come from our autoconfiguration
through Thunderbird's own modules, which a remote control (Marionette) calls as its wizard does: no window of the wizard
is clicked. A screenshot is kept in the folder that MSSANTE_SCREENSHOTS names, else beside the test's files.
"""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from imap_talk import imap, put
from proofs import USER, one_site
from world import PASSWORD

from mssante.app.autoconfig import open_autoconfig
from mssante.app.sandbox.layout import free_ports
from mssante.model import settings as s

NEEDED = ("thunderbird", "Xvfb", "certutil")
pytestmark = [
    pytest.mark.world,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in NEEDED),
        reason="needs the Debian packages thunderbird, xvfb and libnss3-tools",
    ),
]
LETTER = (
    b"From: Paul <a@x.fr>\r\nTo: b@y.fr\r\nSubject: Lettre de liaison\r\nDate: Mon, 1 Jun 2026 10:00:00 +0200\r\n"
    b"Message-ID: <1@x.fr>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nLe patient va bien.\r\n"
)
PREFERENCES = {
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mail.shell.checkDefaultClient": False,
    "mail.biff.play_sound": False,
    "mailnews.start_page.enabled": False,
    "mailnews.auto_config.fetchFromISP.enabled": False,
    "mailnews.auto_config.fetchFromExchange.enabled": False,
    "mailnews.auto_config.guess.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "app.update.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "browser.safebrowsing.enabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "security.OCSP.enabled": 0,
    "app.normandy.enabled": False,
    "services.settings.server": "http://127.0.0.1:1",
    "toolkit.telemetry.server": "",
}
SETUP = """
const [email, password] = arguments, done = arguments[arguments.length - 1];
(async () => {
  const from = name => ChromeUtils.importESModule(`resource:///modules/accountcreation/${name}.sys.mjs`);
  const { FetchConfig } = from("FetchConfig");
  const { AccountConfig } = from("AccountConfig");
  const { CreateInBackend } = from("CreateInBackend");
  const config = await FetchConfig.fromDB(email.split("@")[1], new AbortController().signal);
  AccountConfig.replaceVariables(config, "Dr House", email, password);
  const account = await CreateInBackend.createAccountInBackend(config);
  const { incoming, outgoing } = config;
  return {
    key: account.key,
    incoming: [incoming.hostname, incoming.port, incoming.socketType, incoming.username],
    outgoing: [outgoing.hostname, outgoing.port, outgoing.socketType],
  };
})().then(done, error => done({ error: String(error) + " " + (error.stack || "") }));
"""
READ = """
const [key] = arguments, done = arguments[arguments.length - 1];
(async () => {
  const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  const root = MailServices.accounts.getAccount(key).incomingServer.rootFolder;
  const settled = folder => new Promise((resolve, reject) => folder.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, {
    OnStartRunningUrl() {},
    OnStopRunningUrl(url, status) { Components.isSuccessCode(status) ? resolve() : reject(new Error("status " + status)); },
    QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
  }));
  const inbox = await new Promise(resolve => {
    MailServices.accounts.getAccount(key).incomingServer.performExpand(null);
    const timer = Cc["@mozilla.org/timer;1"].createInstance(Ci.nsITimer);
    timer.initWithCallback(() => {
      const found = root.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
      if (found && root.getFolderWithFlags(Ci.nsMsgFolderFlags.SentMail)) { timer.cancel(); resolve(found); }
    }, 100, Ci.nsITimer.TYPE_REPEATING_SLACK);
  });
  await settled(inbox);
  const message = [...inbox.messages][0];
  const uri = inbox.getUriForMsg(message);
  const text = await new Promise((resolve, reject) => {
    let data = "";
    MailServices.messageServiceFromURI(uri).streamMessage(uri, {
      onStartRequest() {},
      onDataAvailable(request, stream, offset, count) {
        const input = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream);
        input.init(stream);
        data += input.read(count);
      },
      onStopRequest(request, status) { Components.isSuccessCode(status) ? resolve(data) : reject(new Error("status " + status)); },
      QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
    }, null, null, false, "");
  });
  const window = Services.wm.getMostRecentWindow("mail:3pane");
  window?.gTabmail?.currentAbout3Pane?.displayFolder?.(inbox.URI);
  return { subject: message.mime2DecodedSubject, text, folders: root.descendants.map(one => one.name) };
})().then(done, error => done({ error: String(error) + " " + (error.stack || "") }));
"""
SEND = """
const [key, to] = arguments, done = arguments[arguments.length - 1];
(async () => {
  const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  const { MessageSend } = ChromeUtils.importESModule("resource:///modules/MessageSend.sys.mjs");
  const identity = MailServices.accounts.getAccount(key).defaultIdentity;
  identity.doFcc = false;
  const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
  fields.from = identity.email;
  fields.to = to;
  fields.subject = "Réponse de Thunderbird";
  await new Promise((resolve, reject) => {
    new MessageSend().createAndSendMessage(
      null, identity, key, fields, false, false, Ci.nsIMsgCompDeliverMode.Now, null, "text/plain", "Merci.\\r\\n",
      null, null,
      {
        onStartSending() {}, onSendProgress() {}, onProgress() {}, onStatus() {}, onGetDraftFolderURI() {},
        onSendNotPerformed() { reject(new Error("not performed")); },
        onTransportSecurityError(id, status) { reject(new Error("security " + status)); },
        onStopSending(id, status, text) { Components.isSuccessCode(status) ? resolve() : reject(new Error(status + " " + text)); },
        QueryInterface: ChromeUtils.generateQI(["nsIMsgSendListener"]),
      },
      "", "", Ci.nsIMsgCompType.New);
  });
  return {};
})().then(done, error => done({ error: String(error) + " " + (error.stack || "") }));
"""


class Marionette:
    """The remote control of the program."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._count = reader, writer, 0

    async def receive(self) -> Any:  # noqa: ANN401 - any JSON
        length = int((await self._reader.readuntil(b":"))[:-1])
        return json.loads(await self._reader.readexactly(length))

    async def ask(self, command: str, **parameters: object) -> Any:  # noqa: ANN401 - any JSON
        self._count += 1
        data = json.dumps([0, self._count, command, parameters]).encode()
        self._writer.write(b"%d:%b" % (len(data), data))
        _kind, _number, error, result = await self.receive()
        assert error is None, error
        return result

    async def run(self, script: str, *arguments: str) -> dict[str, Any]:
        found = await self.ask("WebDriver:ExecuteAsyncScript", script=script, args=list(arguments), newSandbox=True)
        value: dict[str, Any] = found["value"]
        assert "error" not in value, value
        return value

    def close(self) -> None:
        self._writer.close()


@contextlib.asynccontextmanager
async def thunderbird(profile: Path) -> AsyncIterator[Marionette]:
    """Start Xvfb and the program in it; yield its remote control."""
    (port,) = free_ports(1)
    with (profile / "user.js").open("a") as file:
        file.write(f'user_pref("marionette.port", {port});\n')
    read, write = os.pipe()
    screen = subprocess.Popen(  # noqa: ASYNC220 - it starts in a moment
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],  # noqa: S607
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    program = None
    try:
        async with asyncio.timeout(60):
            display = (await asyncio.to_thread(os.read, read, 20)).decode().strip()
            program = subprocess.Popen(  # noqa: ASYNC220 - the same
                [  # noqa: S607
                    "thunderbird",
                    "--marionette",
                    "--remote-allow-system-access",
                    "--no-remote",
                    "--profile",
                    str(profile),
                ],
                env={**os.environ, "DISPLAY": f":{display}", "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            control = Marionette(*await _connected(port))
            await control.receive()
            await control.ask("WebDriver:NewSession", capabilities={})
            await control.ask("Marionette:SetContext", value="chrome")
            await control.ask("WebDriver:SetTimeouts", script=40_000)
        yield control
        control.close()
    finally:
        os.close(read)
        if program is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
        screen.kill()
        screen.wait()


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.2)


def prepare(profile: Path, anchors: Path, autoconfig_port: int) -> None:
    """Write a fresh profile that trusts the sandbox's authority and asks our autoconfiguration."""
    profile.mkdir()
    told = {
        **PREFERENCES,
        "mailnews.auto_config_url": f"https://localhost:{autoconfig_port}/mail/config-v1.1.xml?emailaddress=",
    }
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in told.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n")
    for command in (
        ["certutil", "-N", "-d", f"sql:{profile}", "--empty-password"],
        ["certutil", "-A", "-n", "essai", "-t", "C,,", "-i", str(anchors), "-d", f"sql:{profile}"],
    ):
        subprocess.run(command, check=True, capture_output=True)


async def test_thunderbird_sets_itself_up_reads_and_sends(tmp_path, pki) -> None:
    submission, submissions, plain, secure, web = free_ports(5)
    sections = {
        "submission": s.SubmissionSettings("127.0.0.1", submission, submissions),
        "imap": s.ImapSettings("127.0.0.1", plain, secure),
        "autoconfig": s.AutoconfigSettings(
            host="127.0.0.1", port=web, imap_host="localhost", submission_host="localhost", web_host="localhost"
        ),
    }
    async with one_site(tmp_path, pki, **sections) as stage, open_autoconfig(stage.site.operator):
        async with imap(stage, user=USER) as talk:
            await put(talk, "INBOX", LETTER)
        profile = tmp_path / "profil"
        prepare(profile, tmp_path / "pki" / "anchors.pem", web)
        async with thunderbird(profile) as program:
            made = await program.run(SETUP, USER, f"{PASSWORD}-{USER}")
            assert made["incoming"][:2] == ["localhost", plain]
            assert made["incoming"][3] == USER
            assert made["outgoing"][:2] == ["localhost", submission]
            seen = await program.run(READ, made["key"])
            assert seen["subject"] == "Lettre de liaison"
            assert "Le patient va bien." in seen["text"]
            await program.run(SEND, made["key"], USER)
            shot = await program.ask("WebDriver:TakeScreenshot", full=False)
            kept = Path(os.environ.get("MSSANTE_SCREENSHOTS") or tmp_path) / "thunderbird.png"
            kept.write_bytes(base64.b64decode(shot["value"]))
        async with imap(stage, user=USER) as talk:
            await talk.good("SELECT Envoy&AOk-s")
            sent = await talk.good("FETCH 1 ENVELOPE")
            assert b"Thunderbird" in sent[0]
