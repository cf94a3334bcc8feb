"""The trust space as it is in force: the one place that is asked who may exchange mail with us.

White list and revocation lists are put in force together by one assignment, so that each question is answered from one
consistent state; open connections see the new one at their next MAIL FROM (law 6). Not for the rules themselves
(see `mssante.rules.federation`).
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from mssante.flows.ports import Clock, DocumentSource
from mssante.flows.trust_state import InForce, TrustMaterial, TrustState, describe, read_crls
from mssante.flows.trust_update import Held, Outcome, record_alarm, update_crl, update_list
from mssante.model.address import Address
from mssante.model.decision import Decision, Refusal
from mssante.model.dn import parse_dn
from mssante.model.errors import MssError, StoreError, TheirProtocolError
from mssante.model.log import Log
from mssante.model.peer import Certificate, ChainCheck, ChainVerdict, PeerFacts
from mssante.model.settings import TrustSettings
from mssante.model.whitelist import WhiteList
from mssante.rules import federation
from mssante.store import lists
from mssante.store.domains import list_domains
from mssante.store.engine import Store
from mssante.wire.whitelist.read import read_white_list
from mssante.wire.whitelist.sign import AbsentAllowed, Required, Verifier
from mssante.wire.x509.chain import ChainJudge, ChainPolicy, Usage
from mssante.wire.x509.path import read_authorities
from mssante.wire.x509.read import RevocationList, distribution_points, read_certificate

LOOK_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 60.0
NO_CHECK: Final = ChainCheck(ChainVerdict.UNTRUSTED, "no certificate")


class TrustSpace:
    """The white list and the revocation lists in force, and how they are renewed.

    Args:
        settings: white list and revocation.
        material: roots, authorities, our own certificate.
        store: keeps the lists over restarts.
        documents: fetches them.
        clock: the time now.
        log: where alarms go.

    Raises:
        TheirProtocolError: an authority or a signer's name cannot be read.
    """

    def __init__(
        self,
        *,
        settings: TrustSettings,
        material: TrustMaterial,
        store: Store,
        documents: DocumentSource,
        clock: Clock,
        log: Log,
    ) -> None:
        self.log = log
        self._settings = settings
        self._material = material
        self._store = store
        self._documents = documents
        self._clock = clock
        self._alarms: dict[str, str] = {}
        self._loading = asyncio.Lock()
        self._refreshing = asyncio.Lock()
        self._stop_after = timedelta(seconds=settings.stop_seconds)
        self._strict = settings.dn_comparison == "strict"
        self._host_exceptions = frozenset(settings.check_host_except)
        self._signers = frozenset(parse_dn(name).key for name in settings.signer_names)
        self._verifier: Verifier = Required(self._judge_signer) if settings.signature == "required" else AbsentAllowed()
        self._authorities = read_authorities(material.anchors, material.intermediates)
        self._policy = ChainPolicy(
            require_client_usage=material.require_client_usage,
            refuse_weak_keys=material.refuse_weak_keys,
            crl_required=settings.crl_required,
            crl_grace=timedelta(seconds=settings.crl_max_age_seconds),
        )
        # The first own certificate is the leaf: its points name the list of the authority that signs operators.
        sources = (*material.own, *material.intermediates)
        self._crl_urls = tuple(dict.fromkeys(url for der in sources for url in distribution_points(der)))
        self._now = InForce(judge=self._new_judge(()))

    # Questions: synchronous, answered from one state.

    def judge_sender(self, peer: PeerFacts, sender: Address | None) -> Decision:
        """Return whether the peer may send as this address (None: the null reverse path); at each MAIL FROM."""
        state, now = self._now, self._clock()
        certificate = peer.certificate
        return federation.judge_sender(
            federation.SenderFacts(
                encrypted=peer.tls is not None,
                certificate=certificate,
                chain=state.judge.check(certificate, Usage.CLIENT, now) if certificate else NO_CHECK,
                sender=sender,
                our_domains=state.our_domains,
                listed=self._listed(state, now),
            )
        )

    def judge_destination(self, peer: PeerFacts, host_name: str, domain: str) -> Decision:
        """Return whether the host may be given mail for the domain; before each MAIL FROM that we send."""
        state, now = self._now, self._clock()
        certificate = peer.certificate
        return federation.judge_destination(
            federation.DestinationFacts(
                encrypted=peer.tls is not None,
                certificate=certificate,
                chain=state.judge.check(certificate, Usage.SERVER, now) if certificate else NO_CHECK,
                domain=domain,
                host_name=host_name,
                listed=self._listed(state, now),
                check_host=self._settings.check_host,
                host_exceptions=self._host_exceptions,
            )
        )

    def judge_client(self, certificate: Certificate) -> Refusal | None:
        """Return why an application's certificate cannot be used to sign in, or None."""
        return federation.judge_certificate(
            certificate, self._now.judge.check(certificate, Usage.CLIENT, self._clock())
        )

    def is_listed(self, domain: str) -> bool:
        """Tell whether the domain is in the list in force."""
        white_list = self._now.white_list
        return white_list is not None and domain in white_list.names

    def is_usable(self) -> bool:
        """Tell whether there is a list and it is not too old."""
        return not self._is_stopped(self._now, self._clock())

    def list_version(self) -> str:
        """Return the version of the list in force, "" when there is none."""
        white_list = self._now.white_list
        return white_list.version if white_list else ""

    def white_list(self) -> WhiteList | None:
        """Return the list in force."""
        return self._now.white_list

    def state(self) -> TrustState:
        """Return what administrators see."""
        now = self._clock()
        stopped = self._is_stopped(self._now, now)
        alarm = "; ".join(self._alarms.values())
        return describe(self._now, now, grace=self._policy.crl_grace, stopped=stopped, alarm=alarm)

    # Renewal.

    async def load(self) -> None:
        """Put in force what the store holds."""
        async with self._loading:
            await self._load()

    async def refresh(self, *, force: bool = False, actor: str = "system") -> tuple[Outcome, ...]:
        """Look at every source, keep what may be kept, put it in force; return what came of each look, the list's last.

        Args:
            force: an administrator takes the list in spite of the update rules (recorded in the audit).
            actor: who asked.

        Source: operators.md 3.5; reliability.md H17, H18.
        """
        async with self._refreshing:
            outcomes = await self._refresh_crls()
            if any(outcome.changed for outcome in outcomes):
                # The signature of the list is judged with the new revocation lists.
                await self.load()
            state = self._now
            outcome = await update_list(
                settings=self._settings,
                held=Held(state.white_list, state.raw, state.etag, state.last_modified),
                store=self._store,
                documents=self._documents,
                verifier=self._verifier,
                now=self._clock(),
                actor=actor,
                force=force,
            )
            await self.load()
            await self._note("list", outcome, quiet=not self._is_old())
            return (*outcomes, outcome)

    async def watch(self, changed: Callable[[], None] = lambda: None) -> None:
        """Refresh for ever, and reload within a quarter of a second of what another process has committed.

        Args:
            changed: called after each reload; the queue may have changed too.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_sources())
            tasks.create_task(self._watch_store(changed))

    async def _watch_sources(self) -> None:
        wait = self._first_wait()
        while True:
            await asyncio.sleep(wait)
            wait = self._settings.refresh_seconds
            try:
                outcomes = await self.refresh()
            except MssError as error:
                self.log.warning("trust-not-refreshed", error=str(error))
                wait = min(wait, RETRY_SECONDS)
            else:
                if any(outcome.problem and not outcome.refused for outcome in outcomes):
                    wait = min(wait, RETRY_SECONDS)

    async def _watch_store(self, changed: Callable[[], None]) -> None:
        seen, problem = -1, ""
        while True:
            try:
                commits = await self._store.commits_elsewhere()
                if commits != seen:
                    await self.load()
                    seen, problem = commits, ""
                    changed()
            except MssError as error:
                # Tried again four times a second, told once.
                if str(error) != problem:
                    problem = str(error)
                    self.log.warning("trust-not-reloaded", error=problem)
            await asyncio.sleep(LOOK_SECONDS)

    def _first_wait(self) -> float:
        state = self._now
        if state.checked_at is None or len(state.crls) < len(self._crl_urls):
            return 0.0
        age = (self._clock() - state.checked_at).total_seconds()
        return min(max(self._settings.refresh_seconds - age, 0.0), self._settings.refresh_seconds)

    async def _refresh_crls(self) -> tuple[Outcome, ...]:
        found: list[Outcome] = []
        for url in self._crl_urls:
            outcome = await update_crl(
                url=url,
                held=self._now.crls,
                authorities=self._authorities,
                store=self._store,
                documents=self._documents,
                now=self._clock(),
            )
            await self._note(f"crl {url}", outcome, quiet=True)
            found.append(outcome)
        return tuple(found)

    async def _note(self, subject: str, outcome: Outcome, *, quiet: bool) -> None:
        """Raise the alarm once per change; a source that is away is no alarm while the last good list is young."""
        if not outcome.problem:
            if self._alarms.pop(subject, None) is not None:
                self.log.info("trust-alarm-over", subject=subject)
        elif quiet and not outcome.refused:
            self.log.info("trust-source-away", subject=subject, problem=outcome.problem)
        elif self._alarms.get(subject) != outcome.problem:
            self._alarms[subject] = outcome.problem
            self.log.error("trust-alarm", subject=subject, rule=outcome.rule, problem=outcome.problem)
            event = "list.refused" if subject == "list" else "crl.refused"
            await record_alarm(self._store, event, subject, outcome.rule, outcome.problem, self._clock())

    async def _load(self) -> None:
        saved = await self._store.read(lists.active_list)
        crls = read_crls(await self._store.read(lists.crls), self.log)
        domains = frozenset(await self._store.read(list_domains))
        state = self._now
        same_crls = [crl.der for crl in crls] == [crl.der for crl in state.crls]
        white_list = state.white_list
        if saved is not None and saved.raw != state.raw:
            try:
                # Off the loop: a list of ten thousand entries takes some tenths of a second.
                white_list = await asyncio.to_thread(read_white_list, saved.raw)
            except TheirProtocolError as error:
                msg = f"liste blanche {saved.version} du magasin illisible ({error}) ; tapez `mssante whitelist fetch`"
                raise StoreError(msg) from error
        self._now = InForce(
            judge=state.judge if same_crls else self._new_judge(crls),
            white_list=white_list,
            raw=saved.raw if saved else b"",
            etag=saved.etag if saved else "",
            last_modified=saved.last_modified if saved else "",
            checked_at=saved.checked_at if saved else None,
            crls=crls,
            our_domains=domains,
        )
        if white_list is not state.white_list and white_list is not None:
            self.log.info("list-in-force", version=white_list.version, domains=len(white_list.names))

    def _new_judge(self, crls: Sequence[RevocationList]) -> ChainJudge:
        by_issuer = {crl.issuer.key: crl for crl in crls}
        return ChainJudge(self._material.anchors, self._material.intermediates, by_issuer, self._policy)

    def _listed(self, state: InForce, now: datetime) -> federation.ListFacts:
        age = now - state.checked_at if state.checked_at else timedelta(0)
        return federation.ListFacts(state.white_list, age, self._stop_after, self._strict)

    def _is_stopped(self, state: InForce, now: datetime) -> bool:
        return state.white_list is None or state.checked_at is None or now - state.checked_at > self._stop_after

    def _is_old(self) -> bool:
        checked_at = self._now.checked_at
        alarm_after = timedelta(seconds=self._settings.alarm_seconds)
        return checked_at is None or self._clock() - checked_at > alarm_after

    def _judge_signer(self, der: bytes, now: datetime) -> str:
        certificate = read_certificate(der)
        if certificate.subject.key not in self._signers:
            return f"{certificate.subject} is not one of signer_names"
        check = self._now.judge.check(certificate, Usage.SIGNER, now)
        return "" if check.verdict is ChainVerdict.TRUSTED else check.detail
