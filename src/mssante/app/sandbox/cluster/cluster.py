"""A running cluster: PostgreSQL nodes under Patroni, with etcd, on free ports of loopback.

`open_cluster` starts it and stops it; in between its nodes are killed and started again. Not for what is written there.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from mssante.app.sandbox.cluster.layout import Laid, Plan, lay_out_cluster
from mssante.app.sandbox.cluster.patroni import Node, Standing, read_standing
from mssante.app.sandbox.cluster.programs import check_reachable, find_account, find_programs
from mssante.app.sandbox.kept.family import Family, Progress, quietly
from mssante.model.errors import LinkError

if TYPE_CHECKING:
    import httpx2

READY_SECONDS: Final = 90.0
ANSWER_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.1
_PASSAGE: Final = 0o711
_ANSWERS: Final = frozenset({200, 503})

Found = TypeVar("Found")


class Cluster(Family):
    """The programs of a cluster by name: e1... of etcd, n1... of Patroni, each with its PostgreSQL."""

    def __init__(self, laid: Laid, client: "httpx2.AsyncClient") -> None:
        """Keep what was laid out; use `open_cluster`."""
        super().__init__(laid.orders, laid.account)
        self._laid = laid
        self._client = client

    @property
    def nodes(self) -> tuple[str, ...]:
        """Return the names of the nodes."""
        return tuple(self._laid.nodes)

    @property
    def running(self) -> tuple[str, ...]:
        """Return the names of the nodes that run now."""
        return tuple(name for name in self._laid.nodes if self._is_running(name))

    @property
    def store_dsn(self) -> str:
        """Return that address as ``[store] dsn`` wants it, where whether there is TLS follows from the roots given."""
        return self._laid.dsn(with_tls_mode=False)

    def dsn(self, *names: str) -> str:
        """Return the address of the database, for asyncpg or libpq: all nodes, of which the leader is taken.

        While there is no leader, joining fails; the caller tries again. The password stands in a file that only we can
        read.

        Args:
            names: only these nodes, leader or not.
        """
        return self._laid.dsn(*names)

    def freeze(self, name: str) -> None:
        """Let a running program stand still, as a machine that hangs: its ports stay open and nobody answers."""
        self._kept[name].freeze()

    def thaw(self, name: str) -> None:
        """Let it go on where it stood."""
        self._kept[name].thaw()

    async def close(self) -> None:
        """Stop everything: the nodes, then etcd."""
        await self.stop(*self._laid.nodes)
        await self.stop(*self._laid.members)

    async def standings(self) -> dict[str, Standing]:
        """Return what each node says of itself now."""
        found = await asyncio.gather(*(self._standing(node) for node in self._laid.nodes.values()))
        return dict(zip(self._laid.nodes, found, strict=True))

    async def leader(self) -> str | None:
        """Return the name of the node that takes writes now, or None while there is none."""
        return _leader(await self.standings())

    async def wait_leader(self) -> str:
        """Return the name of the leader once there is one.

        Raises:
            LinkError: there is none within 90 seconds.
        """
        return await self._until(self.leader, "aucun nœud n'est devenu primaire")

    async def wait_ready(self, progress: Progress = quietly) -> str:
        """Wait until every node that was started leads or follows, and one may take over; return the leader's name.

        Args:
            progress: is told, in French, how far it is, each time that this changes.

        Raises:
            LinkError: it is not so within 90 seconds, or a program ended by itself; the text says what it said last.
        """
        told = ""

        async def look() -> str | None:
            nonlocal told
            standings = await self.standings()
            leader = _leader(standings)
            text = _described(leader, standings)
            if text != told:
                told = text
                progress(text)
            return leader if leader and self._is_whole(leader, standings) else None

        return await self._until(look, "les nœuds PostgreSQL ne sont pas tous prêts")

    async def open(self, progress: Progress = quietly) -> str:
        """Start everything and wait for it; return the leader's name. `close` is needed also when this fails."""
        progress(f"Démarrage d'etcd ({len(self._laid.members)})...")
        for name in self._laid.members:
            await self.start(name)
        await self._until(self._has_quorum, "etcd ne répond pas")
        progress(f"Création de PostgreSQL sur {len(self._laid.nodes)} nœuds...")
        for name in self._laid.nodes:
            await self.start(name)
        return await self.wait_ready(progress)

    def _is_whole(self, leader: str, standings: Mapping[str, Standing]) -> bool:
        others = self._kept.keys() & self._laid.nodes.keys() - {leader}
        if not others <= standings[leader].followers or not all(standings[one].is_running for one in others):
            return False
        wanted = self._laid.plan.replication.synchronous and bool(others)
        return not wanted or any(standings[one].is_synchronous for one in others)

    async def _standing(self, node: Node) -> Standing:
        import httpx2

        if not self._is_running(node.name):
            return Standing()
        try:
            answer = await self._client.get(f"{node.api}/primary")
            return read_standing(answer.status_code, answer.json()) if answer.status_code in _ANSWERS else Standing()
        except (httpx2.HTTPError, ValueError):
            return Standing()

    async def _has_quorum(self) -> bool | None:
        import httpx2

        with suppress(httpx2.HTTPError):
            answers = [await self._client.get(f"{one.url}/health") for one in self._laid.members.values()]
            return all(answer.is_success for answer in answers) or None
        return None

    async def _until(self, look: Callable[[], Awaitable[Found | None]], failure: str) -> Found:
        """Return what the look finds, as soon as it finds something."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                while not (dead := [name for name, kept in self._kept.items() if not kept.is_running]):
                    if (found := await look()) is not None:
                        return found
                    await asyncio.sleep(LOOK_SECONDS)
                msg = f"{dead[0]} s'est arrêté : {self._laid.orders[dead[0]].tail()}"
                raise LinkError(msg)
        last = "\n".join(f"{name} : {self._laid.orders[name].tail()}" for name in self._kept)
        msg = f"{failure} après {READY_SECONDS:.0f} s\n{last}"
        raise LinkError(msg)


@asynccontextmanager
async def open_cluster(
    plan: Plan | None = None, *, folder: Path | None = None, progress: Progress = quietly
) -> AsyncIterator[Cluster]:
    """Start a cluster and give it when it is ready; stop all of it at the end, whatever happens.

    Its programs stop also when this process is killed.

    Args:
        folder: empty and ours, stays; None takes a temporary one, which is removed. As root, the folders above it must
            let others pass: PostgreSQL runs as the account postgres.
        progress: is told, in French, how far it is.

    Raises:
        ConfigError: Debian's packages or the account are not there, or the folder cannot be reached.
        LinkError: it did not start; the text says what its programs said last.
    """
    import httpx2

    programs, account = find_programs(), find_account()
    place = folder or Path(tempfile.mkdtemp(prefix="mssante-cluster-"))
    try:
        if account is not None:
            place.chmod(_PASSAGE)
            check_reachable(place, account)
        laid = await asyncio.to_thread(lay_out_cluster, place.resolve(), plan or Plan(), programs, account)
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            cluster = Cluster(laid, client)
            try:
                await cluster.open(progress)
                yield cluster
            finally:
                await cluster.close()
    finally:
        if folder is None:
            await asyncio.to_thread(shutil.rmtree, place)


def _leader(standings: Mapping[str, Standing]) -> str | None:
    return next((name for name, one in standings.items() if one.is_leader), None)


def _described(leader: str | None, standings: Mapping[str, Standing]) -> str:
    running = sum(one.is_running for one in standings.values())
    if leader is None:
        return f"PostgreSQL : pas encore de primaire, {running} nœud(s) sur {len(standings)} en marche"
    ready = [name for name, one in standings.items() if one.is_synchronous]
    following = f"suivi par {len(standings[leader].followers)} réplique(s) sur {len(standings) - 1}"
    return f"PostgreSQL : {leader} est primaire, {following}" + (f", synchrone : {', '.join(ready)}" if ready else "")
