"""How a member of etcd is run: Patroni keeps there who the leader is.

Not for starting it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mssante.app.sandbox.pki import LOOPBACK

CLUSTER_TOKEN = "mssante"  # noqa: S105 - a name, no secret


@dataclass(frozen=True, slots=True)
class EtcdMember:
    """One member.

    Attributes:
        port: for Patroni.
        peer_port: for the other members.
    """

    name: str
    port: int
    peer_port: int

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def peer_url(self) -> str:
        """Return where it answers the other members."""
        return f"http://{LOOPBACK}:{self.peer_port}"


def etcd_command(program: Path, folder: Path, member: EtcdMember, members: Sequence[EtcdMember]) -> tuple[str, ...]:
    """Return the command that runs the member, with its data in the folder; the same for every start."""
    return (
        str(program),
        *("--name", member.name),
        *("--data-dir", str(folder / "data")),
        *("--listen-client-urls", member.url),
        *("--advertise-client-urls", member.url),
        *("--listen-peer-urls", member.peer_url),
        *("--initial-advertise-peer-urls", member.peer_url),
        *("--initial-cluster", ",".join(f"{one.name}={one.peer_url}" for one in members)),
        *("--initial-cluster-token", CLUSTER_TOKEN),
        *("--logger", "zap"),
        # For Patroni: see the note in `patroni`.
        "--enable-v2",
    )
