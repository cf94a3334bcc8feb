"""The desk of the door between operators: every message is a reception of flow R; nobody signs in here."""

from mssante.flows.intake import Transaction
from mssante.flows.receive import Receiving
from mssante.model.decision import Kind, Refusal
from mssante.model.peer import PeerFacts
from mssante.wire.smtp.events import AuthResponse, AuthStart
from mssante.wire.smtp.replies import Reply, refusal_reply


class OperatorDesk:
    """Hands each message to `Receiving`."""

    def __init__(self, receiving: Receiving) -> None:
        """Keep the flow."""
        self._receiving = receiving

    def begin(self, peer: PeerFacts, hello: str) -> Transaction:
        """Return a reception."""
        return self._receiving.begin(peer, hello)

    async def authenticate(self, event: AuthStart | AuthResponse, peer: PeerFacts) -> Reply:  # noqa: ARG002 - see Desk
        """Refuse: operators prove themselves with their certificate only."""
        return refusal_reply(Refusal(Kind.COMMAND_UNKNOWN, "no-auth", "AUTH is not for this port"))

    async def handshake_failed(self, peer: PeerFacts, refusal: Refusal) -> None:
        """Write the refused certificate down."""
        await self._receiving.early.note(peer, "handshake", refusal)

    async def envelope_refused(self, peer: PeerFacts, refusal: Refusal) -> None:
        """Write the refused command down."""
        await self._receiving.early.note(peer, "envelope", refusal)
