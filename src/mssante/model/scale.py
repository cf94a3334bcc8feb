"""What a service of a size needs: the assumptions, what was measured, and what follows.

Source: issue of the distributed engine (simulation of national load).
"""

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
TIB: Final = 1024**4


@dataclass(frozen=True, slots=True)
class Load:
    """What people do with the service, by month.

    Attributes:
        mailboxes: open ones.
        messages: accepted in a month, from people and from other operators together.
        message_bytes: mean size on the wire.
        copies: mailboxes here that a message reaches, on average.
        working_days: days of a month on which nearly all of it happens.
        busy_hour: share of a day's messages that the busiest hour takes.
        burst: how much more than the mean of that hour its busiest minute takes.
        connected: share of the mailboxes whose owner has a program connected in that hour.
        connections: connections of one such owner.
        searches: questions to the directory for each message sent.
        kept_months: how long messages stay.
    """

    mailboxes: int = 1_200_000
    messages: int = 70_000_000
    message_bytes: int = 150 * KIB
    copies: float = 1.1
    working_days: int = 22
    busy_hour: float = 0.14
    burst: float = 2.5
    connected: float = 0.25
    connections: float = 2.0
    searches: float = 1.0
    kept_months: int = 24


@dataclass(frozen=True, slots=True)
class Figures:
    """What one machine of two cores was measured to do; `docs/performance.md` tells how.

    Two are not measured there: `second_share`, since nodes on one machine only take its cores from each other, is an
    assumption for nodes on machines of their own; `cluster_rate` is that of the store alone, with 50 writers.

    Attributes:
        small_seconds: a message of 4 KiB, from its arrival until its reader sees it, at full load.
        mebibyte_seconds: what each further MiB of it adds.
        shared_share: what of that rate is left on PostgreSQL and an object store, with one node.
        second_share: what a further node adds, of the rate of the first.
        cluster_rate: messages in a second that one PostgreSQL cluster commits.
        connection_bytes: memory of an idle connection.
        search_seconds: processor time of a question to the directory.
        row_bytes: what the database keeps of a copy: its row, flags, structure and words.
    """

    small_seconds: float = 1 / 714.5
    mebibyte_seconds: float = 1 / 104.5
    shared_share: float = 0.38
    second_share: float = 0.8
    cluster_rate: float = 1260.0
    connection_bytes: int = 27 * KIB + 205
    search_seconds: float = 0.0025
    row_bytes: int = 3 * KIB


@dataclass(frozen=True, slots=True)
class House:
    """How it is run, and what it costs a month; the prices are ours, to be replaced by one's own.

    Attributes:
        most_used: of a machine at the peak; what is left is for faults and growth.
        node_memory_bytes: a machine of two cores that runs the program: one process does not use more of them.
        machine_bytes: most that one machine keeps in its files, so that it is backed up and restored in hours.
        body_copies: of each body in the object store.
        row_copies: servers of a PostgreSQL cluster.
        database_bytes: most that one PostgreSQL cluster keeps, so that it is backed up and restored in hours.
        node_euros, database_euros: a machine; a server of a PostgreSQL cluster without its disk.
        fast_tib_euros, body_tib_euros: a TiB of a database's disk; a TiB of raw object storage.
    """

    most_used: float = 0.5
    node_memory_bytes: int = 8 * 1024 * MIB
    machine_bytes: int = 4 * TIB
    body_copies: int = 3
    row_copies: int = 3
    database_bytes: int = 4 * TIB
    node_euros: float = 50.0
    database_euros: float = 350.0
    fast_tib_euros: float = 90.0
    body_tib_euros: float = 12.0


@dataclass(frozen=True, slots=True)
class Need:
    """What follows.

    Attributes:
        fits_one: one machine with SQLite and files is enough.
        peak_messages: in a second of the busiest minute.
        peak_connections: open at the same time.
        peak_bytes: of messages, in a second of the busiest minute.
        nodes: machines that run the program, one more than needed so that one may fail.
        nodes_for: what asks for most of them: messages, connections, or that one may fail.
        clusters: PostgreSQL clusters, over which the mailboxes are spread.
        clusters_for: what asks for most of them: messages or room.
        body_bytes: of all bodies that are kept, once.
        row_bytes: of the databases, once.
        month_euros: all of it.
    """

    fits_one: bool
    peak_messages: float
    peak_connections: int
    peak_bytes: float
    nodes: int
    nodes_for: str
    clusters: int
    clusters_for: str
    body_bytes: int
    row_bytes: int
    month_euros: float
