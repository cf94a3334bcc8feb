"""The desk of the submission doors: sign in first, then every message is a `Sending` of flow S."""

from mssante.flows.intake import Transaction
from mssante.flows.sign_in import SignIn
from mssante.flows.submit import Submitting
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import OurProtocolError, TheirProtocolError
from mssante.model.mailbox import Identity, Method
from mssante.model.peer import PeerFacts
from mssante.wire.sasl import exchange as sasl
from mssante.wire.sasl.bearer import BearerClaim, failure_challenge
from mssante.wire.smtp.auth import challenge_reply
from mssante.wire.smtp.events import AuthResponse, AuthStart
from mssante.wire.smtp.replies import Reply, refusal_reply

_SIGNED_IN = Reply(235, "2.7.0", ("Authentication successful",))
# 421: the machine closes after it.
_NO_MORE_TRIES = Reply(421, "4.7.0", ("Too many failed sign-ins, connect again",))


class SubmissionDesk:
    """Signs in, then hands each message to `Submitting`."""

    def __init__(self, submitting: Submitting, sign_in: SignIn, tries: int, configuration_url: str = "") -> None:
        """Start with nobody signed in.

        Args:
            submitting, sign_in: the flows.
            tries: failed sign-ins before the connection is closed.
            configuration_url: where the identity provider describes itself, "" when there is none.
        """
        self._configuration_url = configuration_url
        self._token_refusal: Refusal | None = None
        self._tries_left = tries
        self._submitting = submitting
        self._sign_in = sign_in
        self._identity: Identity | None = None
        self._exchange: sasl.Exchange | None = None

    def begin(self, peer: PeerFacts, hello: str) -> Transaction:
        """Return a submission; the machine lets MAIL through only after AUTH."""
        if self._identity is None:
            msg = "MAIL was let through before AUTH"
            raise OurProtocolError(msg)
        over = self._sign_in.is_over(self._identity)
        return self._submitting.begin(self._identity, peer, hello, is_over=over)

    async def authenticate(self, event: AuthStart | AuthResponse, peer: PeerFacts) -> Reply:
        """Go one step further in the exchange; sign in when it is complete."""
        reply = await self._step(event, peer)
        if reply.code < 400:
            return reply
        self._exchange = None
        self._tries_left -= 1
        return reply if self._tries_left > 0 else _NO_MORE_TRIES

    async def _step(self, event: AuthStart | AuthResponse, peer: PeerFacts) -> Reply:
        try:
            if isinstance(event, AuthStart):
                self._token_refusal = None
                self._exchange = sasl.start(event.mechanism)
                step = self._exchange.step(event.initial)
            elif self._token_refusal is not None:
                # The client has heard why; whatever it says to that, the exchange ends here.
                refusal, self._token_refusal = self._token_refusal, None
                return refusal_reply(refusal)
            elif event.data is None or self._exchange is None:
                return Reply(501, "5.7.0", ("Authentication cancelled",))
            else:
                step = self._exchange.step(event.data)
        except TheirProtocolError as error:
            return refusal_reply(Refusal(Kind.SIGN_IN_FAILED, "sasl", "Authentication failed", str(error)))
        if isinstance(step, sasl.Challenge):
            return challenge_reply(step.data)
        result = await self._check(step, peer)
        if isinstance(result, Refusal):
            # "Later" says nothing against the token: a program that heard 401 would throw a good one away.
            if isinstance(step, BearerClaim) and not result.is_temporary:
                self._token_refusal = result
                return challenge_reply(failure_challenge(step.mechanism, self._configuration_url))
            return refusal_reply(result)
        self._identity = result
        return _SIGNED_IN

    async def _check(
        self, step: sasl.PlainCredentials | sasl.ExternalClaim | BearerClaim, peer: PeerFacts
    ) -> Identity | Refusal:
        if isinstance(step, BearerClaim):
            return await self._sign_in.bearer(Method(step.mechanism), step.user, step.token, peer.ip)
        if isinstance(step, sasl.PlainCredentials):
            return await self._sign_in.password(step.authcid, step.password, step.authzid, peer.ip)
        return await self._sign_in.certificate(peer, step.authzid)

    async def handshake_failed(self, peer: PeerFacts, refusal: Refusal) -> None:
        """Nothing to keep: users' programs often try without our authorities, and the log has it."""

    async def envelope_refused(self, peer: PeerFacts, refusal: Refusal) -> None:
        """Write the refused command down."""
        actor = self._submitting.actor(self._identity) if self._identity else ""
        await self._submitting.early.note(peer, "envelope", refusal, actor=actor)
