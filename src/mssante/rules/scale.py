"""How many machines, databases and how much storage a load needs.

Not a promise: it multiplies what was measured on one machine, and says by which assumption.

Source: issue of the distributed engine (simulation of national load from measured figures).
"""

from math import ceil
from typing import Final

from mssante.model.scale import MIB, TIB, Figures, House, Load, Need

MEASURED_CORES: Final = 2
HOUR_SECONDS: Final = 3600


def need(load: Load, figures: Figures, house: House) -> Need:
    """Return what a load needs.

    Args:
        figures: of a machine of `MEASURED_CORES` cores, which a node is.
    """
    busiest = load.messages / load.working_days * load.busy_hour / HOUR_SECONDS * load.burst
    connections = ceil(load.mailboxes * load.connected * load.connections)
    one = _rate(load, figures) * house.most_used
    bodies = round(load.messages * load.copies * load.message_bytes * load.kept_months)
    rows = round(load.messages * load.copies * figures.row_bytes * load.kept_months)
    fits_one = _fits_one(busiest, connections, one, bodies + rows, house, figures)
    nodes, nodes_for = _nodes(busiest, connections, one * figures.shared_share, house, figures)
    by_rate = ceil(busiest * load.copies / (figures.cluster_rate * house.most_used))
    by_room = ceil(rows / house.database_bytes)
    clusters = 0 if fits_one else max(1, by_rate, by_room)
    return Need(
        fits_one=fits_one,
        peak_messages=busiest,
        peak_connections=connections,
        peak_bytes=busiest * load.message_bytes,
        nodes=1 if fits_one else nodes,
        nodes_for="" if fits_one else nodes_for,
        clusters=clusters,
        clusters_for="" if clusters < 2 else "room" if by_room > by_rate else "messages",
        body_bytes=bodies,
        row_bytes=rows,
        month_euros=_euros(1 if fits_one else nodes, clusters, bodies, rows, house),
    )


def _rate(load: Load, figures: Figures) -> float:
    """Return how many messages of the mean size the measured machine takes in a second, searches included."""
    message = figures.small_seconds * load.copies + figures.mebibyte_seconds * load.message_bytes / MIB
    return 1 / (message + load.searches * figures.search_seconds / MEASURED_CORES)


def _fits_one(busiest: float, connections: int, one: float, kept: int, house: House, figures: Figures) -> bool:
    memory = connections * figures.connection_bytes
    return busiest <= one and memory <= house.node_memory_bytes * house.most_used and kept <= house.machine_bytes


def _nodes(busiest: float, connections: int, shared: float, house: House, figures: Figures) -> tuple[int, str]:
    """Return how many nodes, with one more than needed, and what asks for most of them."""
    further = max(0.0, busiest - shared) / (shared * figures.second_share)
    by_messages = 1 + ceil(further)
    by_connections = ceil(connections * figures.connection_bytes / (house.node_memory_bytes * house.most_used))
    needed = max(by_messages, by_connections)
    if needed == 1:
        return 2, "fault"
    return needed + 1, "messages" if by_messages >= by_connections else "connections"


def _euros(nodes: int, clusters: int, bodies: int, rows: int, house: House) -> float:
    if not clusters:
        # One machine and its stand-by, each with everything on its disk.
        return 2 * (house.node_euros + (bodies + rows) / TIB * house.fast_tib_euros)
    databases = clusters * house.row_copies * house.database_euros
    disks = rows / TIB * house.row_copies * house.fast_tib_euros
    return nodes * house.node_euros + databases + disks + bodies / TIB * house.body_copies * house.body_tib_euros
