"""The folder of an object store: which server on which port, with which configuration. Nothing runs yet.

Source: Swift's documentation, "Deployment Guide", "Auth System" (TempAuth), "S3/Swift REST API Comparison Matrix".
"""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mssante.app.sandbox.kept.program import Order
from mssante.app.sandbox.pki import LOOPBACK
from mssante.app.sandbox.ports import free_ports
from mssante.model.errors import ConfigError, LinkError
from mssante.model.system import reason

INSTALL: Final = (
    "apt-get install --no-install-recommends swift-proxy swift-account swift-container swift-object memcached"
)
BUCKET: Final = "corps"
DEVICES: Final = ("d1", "d2", "d3")
PROXY: Final = "proxy"
MEMCACHED: Final = "memcached"
REGION: Final = "us-east-1"
LOGS: Final = "logs"
SERVERS: Final = ("account", "container", "object")
USER: Final = "mssante"
_PYTHON: Final = Path("usr/bin/python3")
_PROGRAMS: Final = (*(Path(f"usr/bin/swift-{name}-server") for name in (PROXY, *SERVERS)), Path("usr/bin/memcached"))
_PIPELINE: Final = (
    *("catch_errors", "gatekeeper", "healthcheck", "cache", "listing_formats", "s3api", "tempauth"),
    *("copy", "bulk", "slo", "dlo", "versioned_writes"),
)
# A device that is dead refuses at once here; a busy one must not pass for dead.
_PATIENT: Final = {"conn_timeout": 5, "node_timeout": 20, "container_update_timeout": 20}
_ENTRIES: Final = {"cache": "memcache"}

# Swift reads swift.conf from /etc unless told otherwise before its other modules are loaded, wants a syslog, and shuts
# the standard output. The servers of a device are forked from one process: what they share is loaded once.
_LAUNCHER: Final = """
import logging, os, runpy, sys
from swift.common import utils
utils.set_swift_dir(sys.argv[1])
utils.ThreadSafeSysLogHandler = lambda **_: logging.StreamHandler()
utils.capture_stdio = lambda *_: None
import swift.common.wsgi
for pair in sys.argv[2:]:
    program, _, config = pair.partition("=")
    if os.fork() == 0:
        sys.argv[:] = [program, config]
        sys.exit(runpy.run_path(program, run_name="__main__"))
os.wait()
sys.exit(1)
"""
_RING_MAKER: Final = """
import json, sys
from swift.common.ring import RingBuilder
for path, ports in json.loads(sys.argv[1]).items():
    builder = RingBuilder(4, len(ports), 0)
    for number, (device, port) in enumerate(ports.items(), 1):
        builder.add_dev(dict(region=1, zone=number, ip="127.0.0.1", port=port, device=device, weight=1,
                             replication_ip="127.0.0.1", replication_port=port, meta=""))
    builder.rebalance()
    builder.get_ring().save(path)
"""


@dataclass(frozen=True, slots=True)
class Laid:
    """A store that was laid out.

    Attributes:
        port: of the proxy, which speaks S3.
        ports: of each device, by server.
        orders: how each program is run, by name.
        key: of the only user.
    """

    port: int
    ports: Mapping[str, Mapping[str, int]]
    orders: Mapping[str, Order]
    key: str = field(repr=False)

    @property
    def endpoint(self) -> str:
        """Return where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def looks(self, name: str) -> tuple[str, ...]:
        """Return the addresses that answer once a program is ready."""
        ports = (self.port,) if name == PROXY else tuple(self.ports.get(name, {}).values())
        return tuple(f"http://{LOOPBACK}:{port}/healthcheck" for port in ports)


def check_installed(root: Path = Path("/")) -> None:
    """See that the programs are there.

    Raises:
        ConfigError: some are not; the text, in French, names the command that installs them.
    """
    missing = [one.name for one in (_PYTHON, *_PROGRAMS) if not (root / one).exists()]
    if missing:
        msg = f"il manque à cette machine {', '.join(missing)} ; installez-les (en tant que root) : {INSTALL}"
        raise ConfigError(msg)


def check_attributes(folder: Path) -> None:
    """See that files can bear attributes: a device keeps there what it knows of an object."""
    try:
        os.setxattr(folder, "user.mssante", b"1")
        os.removexattr(folder, "user.mssante")
    except OSError as error:
        msg = (
            f"{folder} : les attributs étendus y sont refusés ({reason(error)}), Swift en a besoin ; "
            "choisissez un dossier sur ext4 ou xfs"
        )
        raise ConfigError(msg) from error


async def lay_out_swift(folder: Path) -> Laid:
    """Write the configuration and the rings of a new store into the folder, which is there and ours.

    Raises:
        LinkError: the rings could not be made.
    """
    free = iter(free_ports(2 + len(DEVICES) * len(SERVERS)))
    port, cache = next(free), next(free)
    ports = {device: {server: next(free) for server in SERVERS} for device in DEVICES}
    key = secrets.token_hex(16)
    (folder / LOGS).mkdir(mode=0o700)
    write(folder / "swift.conf", f"[swift-hash]\nswift_hash_path_suffix = {secrets.token_hex(16)}\n")
    await _make_rings(folder, ports)
    orders = {MEMCACHED: _order(folder, MEMCACHED, memcached_command(cache))}
    for device in DEVICES:
        (folder / device / "disks" / device).mkdir(mode=0o700, parents=True)
        for server, place in ports[device].items():
            config = server_config(server, place, folder, folder / device / "disks")
            write(folder / device / f"{server}.conf", config)
        orders[device] = _order(folder, device, launch_command(folder, device, SERVERS))
    (folder / PROXY).mkdir(mode=0o700)
    write(folder / PROXY / f"{PROXY}.conf", proxy_config(port, cache, folder, key))
    orders[PROXY] = _order(folder, PROXY, launch_command(folder, PROXY, (PROXY,)))
    return Laid(port, ports, orders, key)


def memcached_command(port: int) -> tuple[str, ...]:
    """Return the command that runs memcached, which refuses to be root unless told."""
    account = ("-u", "root") if os.geteuid() == 0 else ()
    return ("/usr/bin/memcached", "-l", LOOPBACK, "-p", str(port), "-U", "0", "-m", "16", *account)


def launch_command(folder: Path, name: str, servers: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs Swift's servers of that name, with Debian's Python, which has its modules."""
    pairs = [f"/usr/bin/swift-{server}-server={folder / name / server}.conf" for server in servers]
    return (f"/{_PYTHON}", "-I", "-c", _LAUNCHER, str(folder), *pairs)


def server_config(server: str, port: int, folder: Path, disks: Path) -> str:
    """Return the configuration file of an account, container or object server."""
    return _ini(
        {
            "DEFAULT": {
                **_everywhere(port, folder),
                "devices": disks,
                "mount_check": "false",
                "disable_fallocate": "true",
                "fallocate_reserve": 0,
            },
            "pipeline:main": {"pipeline": f"healthcheck {server}-server"},
            "filter:healthcheck": {"use": "egg:swift#healthcheck"},
            f"app:{server}-server": {"use": f"egg:swift#{server}", **_PATIENT},
        }
    )


def proxy_config(port: int, cache: int, folder: Path, key: str) -> str:
    """Return the configuration file of the proxy: one account with one user, who may do everything in it."""
    more: dict[str, dict[str, object]] = {
        "cache": {"memcache_servers": f"{LOOPBACK}:{cache}"},
        "s3api": {"location": REGION},
        "tempauth": {f"user_{USER}_{USER}": f"{key} .admin"},
    }
    filters = {
        f"filter:{name}": {"use": f"egg:swift#{_ENTRIES.get(name, name)}", **more.get(name, {})} for name in _PIPELINE
    }
    return _ini(
        {
            "DEFAULT": _everywhere(port, folder),
            "pipeline:main": {"pipeline": " ".join((*_PIPELINE, "proxy-server"))},
            **filters,
            "app:proxy-server": {
                "use": "egg:swift#proxy",
                "account_autocreate": "true",
                # A device that is back must not pass for one that is still away.
                "error_suppression_interval": 1,
                **_PATIENT,
            },
        }
    )


def write(path: Path, text: str) -> None:
    """Write a file that only we can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _everywhere(port: int, folder: Path) -> dict[str, object]:
    # No workers: one process, in the foreground, as whoever started it.
    return {"bind_ip": LOOPBACK, "bind_port": port, "workers": 0, "swift_dir": folder}


def _ini(sections: Mapping[str, Mapping[str, object]]) -> str:
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {value}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _order(folder: Path, name: str, command: tuple[str, ...]) -> Order:
    return Order(name, command, folder, folder / LOGS / f"{name}.log")


async def _make_rings(folder: Path, ports: Mapping[str, Mapping[str, int]]) -> None:
    wanted = {
        str(folder / f"{server}.ring.gz"): {device: own[server] for device, own in ports.items()} for server in SERVERS
    }
    process = await asyncio.create_subprocess_exec(
        *(f"/{_PYTHON}", "-I", "-c", _RING_MAKER, json.dumps(wanted)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        msg = f"Swift : les anneaux n'ont pas pu être créés : {said.decode(errors='replace')[-2000:]}"
        raise LinkError(msg)
