"""Thunderbird in a virtual screen, with a fresh profile and a remote control (Marionette)."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mssante.app.sandbox.ports import free_ports

NEEDED = ("thunderbird", "Xvfb", "certutil")
needs_thunderbird = pytest.mark.skipif(
    any(shutil.which(name) is None for name in NEEDED),
    reason="needs the Debian packages thunderbird, xvfb and libnss3-tools",
)
PREFERENCES = {
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mail.shell.checkDefaultClient": False,
    "mail.rights.version": 1,
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

    async def run(self, script: str, *arguments: str | int) -> dict[str, Any]:
        value: dict[str, Any] = await self._execute(script, arguments)
        assert "error" not in value, value
        return value

    async def run_and_cancel(self, script: str, *arguments: str | int) -> str:
        """Run a script that makes the program open a dialog, say "Cancel" and return what the dialog said.

        The dialog interrupts the script: what it was to return is for a next one.
        """
        assert await self._execute(script, arguments) is None
        said: str = (await self.ask("WebDriver:GetAlertText"))["value"]
        await self.ask("WebDriver:DismissAlert")
        return said

    async def _execute(self, script: str, arguments: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any JSON
        found = await self.ask("WebDriver:ExecuteAsyncScript", script=script, args=list(arguments), newSandbox=True)
        return found["value"]

    async def keep_screenshot(self, name: str, folder: Path) -> None:
        """Write what the window shows to the folder that MSSANTE_SCREENSHOTS names, else to that one."""
        shot = await self.ask("WebDriver:TakeScreenshot", full=False)
        kept = Path(os.environ.get("MSSANTE_SCREENSHOTS") or folder) / name
        kept.write_bytes(base64.b64decode(shot["value"]))

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
        with contextlib.closing(control):
            yield control
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


def prepare(profile: Path, anchors: Path, more: Mapping[str, object] | None = None) -> None:
    """Write a fresh profile that trusts the sandbox's authority; `more` are preferences."""
    profile.mkdir()
    told = {**PREFERENCES, **(more or {})}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in told.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n")
    for command in (
        ["certutil", "-N", "-d", f"sql:{profile}", "--empty-password"],
        ["certutil", "-A", "-n", "essai", "-t", "C,,", "-i", str(anchors), "-d", f"sql:{profile}"],
    ):
        subprocess.run(command, check=True, capture_output=True)
