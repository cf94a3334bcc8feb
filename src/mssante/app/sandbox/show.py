"""How the demonstration is shown: for people in French, for programs one JSON object per line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TextIO

from rich.console import Console
from rich.markup import escape

from mssante.app.sandbox import space
from mssante.app.sandbox.annuaire import Searched
from mssante.app.sandbox.documents import Checked
from mssante.app.sandbox.follow import Followed, Hop
from mssante.app.sandbox.layout import Laid, Layout
from mssante.app.sandbox.letters import Sent
from mssante.app.sandbox.pki import LOOPBACK
from mssante.app.sandbox.published import Published
from mssante.app.sandbox.reading import Opened
from mssante.app.sandbox.refusals import Refused
from mssante.app.sandbox.robot import Answered
from mssante.app.sandbox.stores import SandboxAccount
from mssante.doors.manager.app import EXTRACTION_PATH, LIST_PATH
from mssante.model.publication import PublicationState
from mssante.rules.passport import Passport
from mssante.rules.publication import advice
from mssante.rules.timeline import STATE_TEXTS

Accounts = Mapping[str, Sequence[SandboxAccount]]
"""Operator key -> its accounts."""

_STEPS: Final = {
    "submitted": "déposé chez",
    "relayed": "remis par",
    "received": "accepté par",
    "read": "lu chez",
}

_VERBS: Final = {
    "signed-in": "connecté",
    "listed": "dossiers",
    "read": "lettre lue",
    "flagged": "drapeau posé",
    "heard": "drapeau vu",
}


@dataclass(frozen=True, slots=True)
class Totals:
    """The end of a demonstration.

    Attributes:
        first_seconds: from the start to the first copy in its reader's hands.
        seconds: in all.
    """

    delivered: int
    refused: int
    expected_refusals: int
    lost: int
    first_seconds: float
    seconds: float

    @property
    def is_as_expected(self) -> bool:
        """Tell whether every copy arrived and every bad peer was refused as it should."""
        return self.lost == 0 and self.delivered > 0 and self.refused == self.expected_refusals


class View(Protocol):
    """What shows the demonstration."""

    def progress(self, text: str) -> None:
        """Say what is being done."""
        ...

    def ready(self, layout: Layout, accounts: Accounts) -> None:
        """Say that the doors are open, with everything that is needed to connect."""
        ...

    def searched(self, searched: Searched, people: int) -> None:
        """Show a search of the directory, which holds so many professionals."""
        ...

    def sent(self, sent: Sent) -> None:
        """Say that a letter was accepted by its sender's operator."""
        ...

    def followed(self, followed: Followed) -> None:
        """Show the hops of one copy."""
        ...

    def opened(self, opened: Opened) -> None:
        """Show what a mail program saw."""
        ...

    def passport(self, title: str, passport: Passport) -> None:
        """Show what became of the first letter, as its sender may ask."""
        ...

    def checked(self, checked: Checked) -> None:
        """Show what the receiving side makes of documents."""
        ...

    def answered(self, answered: Answered) -> None:
        """Show what came back from the robot of the citizens' operator."""
        ...

    def refused(self, refused: Refused) -> None:
        """Show what a bad peer was told."""
        ...

    def published(self, published: Published) -> None:
        """Show what became of the new mailbox."""
        ...

    def done(self, totals: Totals) -> None:
        """Show the end."""
        ...

    def waiting(self) -> None:
        """Say that the space keeps running."""
        ...


class JsonView:
    """One JSON object per line."""

    def __init__(self, out: TextIO) -> None:
        """Write to that stream."""
        self._out = out

    def progress(self, text: str) -> None:
        """Say nothing: programs wait for ``ready``."""

    def ready(self, layout: Layout, accounts: Accounts) -> None:
        """Write the ``ready`` line."""
        self._write("ready", **ready_facts(layout, accounts))

    def searched(self, searched: Searched, people: int) -> None:
        """Write the words and the answers."""
        self._write("searched", **_search_facts(searched), people=people)

    def sent(self, sent: Sent) -> None:
        """Write nothing: the ``submitted`` hop says it."""

    def followed(self, followed: Followed) -> None:
        """Write one ``hop`` line per hop, or a ``lost`` line."""
        for hop in followed.hops:
            self._write("hop", **_hop_facts(hop))
        if not followed.arrived:
            self._write("lost", to=str(followed.recipient), problem=followed.problem)

    def opened(self, opened: Opened) -> None:
        """Write the ``mailbox`` line."""
        self._write(
            "mailbox",
            user=opened.user,
            folders=list(opened.folders),
            steps={step.name: round(step.milliseconds, 1) for step in opened.steps},
            whole=opened.is_whole,
            heard=opened.is_heard,
        )

    def passport(self, title: str, passport: Passport) -> None:
        """Write the ``passport`` line."""
        copies = {one.recipient: one.state.value for one in passport.timelines}
        self._write("passport", title=title, overall=passport.overall.value, copies=copies)

    def checked(self, checked: Checked) -> None:
        """Write the ``documents`` line."""
        self._write(
            "documents",
            title=checked.title,
            problems=list(checked.problems),
            listed=list(checked.listed),
            judged=[{"title": one.title, "verdict": one.verdict, "ok": one.as_expected} for one in checked.judged],
            ok=checked.as_expected,
        )

    def answered(self, answered: Answered) -> None:
        """Write the ``robot`` line."""
        self._write("robot", address=str(answered.robot), seconds=round(answered.seconds, 2), ok=answered.as_expected)

    def refused(self, refused: Refused) -> None:
        """Write one ``refusal`` line."""
        self._write(
            "refusal",
            peer=refused.peer.key,
            kind=refused.peer.kind.value,
            rule=refused.rule,
            reply=refused.reply,
            as_expected=refused.as_expected,
            problem=refused.problem,
        )

    def published(self, published: Published) -> None:
        """Write the ``published`` line."""
        self._write(
            "published",
            address=published.address,
            state=published.state.value,
            code=published.code,
            accepted_seconds=round(published.accepted_seconds, 2),
            extraction_lines=published.lines,
            searched=_search_facts(published.searched),
            ok=published.as_expected,
        )

    def done(self, totals: Totals) -> None:
        """Write the ``done`` line."""
        self._write(
            "done",
            delivered=totals.delivered,
            refused=totals.refused,
            expected_refusals=totals.expected_refusals,
            lost=totals.lost,
            first_delivery_seconds=round(totals.first_seconds, 2),
            seconds=round(totals.seconds, 2),
        )

    def waiting(self) -> None:
        """Write nothing: the ``done`` line says it."""

    def _write(self, event: str, **facts: object) -> None:
        self._out.write(json.dumps({"event": event, **facts}, ensure_ascii=False) + "\n")
        self._out.flush()


class PrettyView:
    """Tables and colours, in French."""

    def __init__(self, console: Console) -> None:
        """Write to that console."""
        self._console = console
        self._status = console.status("")
        self._layout: Layout | None = None
        self._accounts: Accounts = {}
        self._bad_peers_announced = False

    def _line(self, text: str) -> None:
        """Print one line as it is: the terminal folds it, programs and files keep it whole."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def progress(self, text: str) -> None:
        """Show it beside a moving sign."""
        self._status.update(text)
        self._status.start()

    def ready(self, layout: Layout, accounts: Accounts) -> None:
        """Show operators and ports; the accounts come at the end, when they are of use."""
        self._status.stop()
        self._layout, self._accounts = layout, accounts
        self._line(f"[bold]L'espace de confiance tourne[/] sur {LOOPBACK} :")
        for laid in layout.operators:
            ports = f"SMTP {laid.ports.smtp}, dépôt {laid.ports.submission} et {laid.ports.submissions}"
            ports += f", IMAP {laid.ports.imap} et {laid.ports.imaps}"
            self._line(f"  {laid.plan.key:12} {laid.plan.name} : {ports}")
            self._line(f"  {'':12} réglage des logiciels : {autoconfig_url(laid)}")
            self._line(f"  {'':12} [dim]{', '.join(laid.plan.domains)}[/]")
        listed = f"liste blanche de {len(layout.entries)} entrées, https {layout.manager_port}"
        listed += f" ; annuaire, https {layout.directory_port}"
        self._line(f"  {space.MANAGER_KEY:12} Gestionnaire : {listed}")
        self._line(f"  {space.IDENTITY_KEY:12} Fournisseur d'identité d'essai (comme Pro Santé Connect) :")
        self._line(f"  {'':12} {layout.identity.issuer}")
        names = f"{space.DESKTOP_CLIENT} (public), {space.SERVER_CLIENT}, {space.PHONE_CLIENT} (à approuver)"
        self._line(f"  {'':12} [dim]logiciels : {names} ; secrets dans {layout.identity.people.name}[/]")

    def searched(self, searched: Searched, people: int) -> None:
        """Show each answer with its reasons."""
        mark = "[green]✔[/]" if searched.as_expected else "[red]✘[/]"
        where = f"{people} professionnels, {searched.milliseconds:.0f} ms"
        self._line(f"\n[bold]La bonne adresse[/], {mark} « {searched.words} » dans l'annuaire [dim]({where})[/]")
        for answer in searched.answers:
            self._line(f"    {answer.address or 'sans adresse':42} {escape(answer.name)}, {escape(answer.place)}")
            self._line(f"      [dim]{escape(', '.join(answer.reasons))}[/]")

    def sent(self, sent: Sent) -> None:
        """Show title, sender and how it signed in."""
        letter = sent.letter
        self._line(f"\n[bold]{letter.title}[/], de {letter.sender} [dim]({sent.method}, {sent.tls})[/]")

    def followed(self, followed: Followed) -> None:
        """Show one line per hop."""
        mark = "[green]✔[/]" if followed.arrived else "[red]✘[/]"
        self._line(f"  {mark} {followed.recipient} {followed.problem}".rstrip())
        for hop in followed.hops:
            basis = f"règle {hop.rule}" if hop.rule else "octets identiques à ceux envoyés"
            version = f", liste {hop.list_version}" if hop.list_version else ""
            tls = f", {hop.tls}" if hop.tls and hop.step == "received" else ""
            self._line(
                f"    {hop.milliseconds:7.1f} ms  {_STEPS[hop.step]:12} {hop.operator:9} [dim]{basis}{version}{tls}[/]"
            )

    def opened(self, opened: Opened) -> None:
        """Show the steps of the program."""
        mark = "[green]✔[/]" if opened.as_expected else "[red]✘[/]"
        self._line(f"\n[bold]Ce que voit un logiciel de messagerie[/], {mark} {opened.user} par IMAP")
        for step in opened.steps:
            self._line(f"    {step.milliseconds:7.1f} ms  {_VERBS[step.name]:12} [dim]{escape(step.text)}[/]")

    def passport(self, title: str, passport: Passport) -> None:
        """Show one line for each recipient."""
        self._line(f"\n[bold]Le passeport de la lettre[/], {escape(title)} : {escape(passport.text)}")
        for one in passport.timelines:
            steps = " → ".join(dict.fromkeys(STATE_TEXTS[step.state] for step in one.steps))
            self._line(f"    {one.recipient:42} {escape(one.text)}")
            self._line(f"      [dim]{escape(steps)}[/]")

    def checked(self, checked: Checked) -> None:
        """Show the document that came, and what became of those that lie."""
        mark = "[green]✔[/]" if checked.as_expected else "[red]✘[/]"
        self._line(f"\n[bold]Le document de la lettre, vérifié à l'arrivée[/], {mark} {escape(checked.title)}")
        said = " ; ".join(checked.problems) or "empreinte, taille, patient, type, objet et champs nationaux concordent"
        self._line(f"    {escape(checked.patient)} : [dim]{escape(said)}[/]")
        self._line(f"    la boîte liste pour ce patient : [dim]{escape(', '.join(checked.listed))}[/]")
        for one in checked.judged:
            mark = "[green]✔[/]" if one.as_expected else "[red]✘[/]"
            self._line(f"  {mark} {one.title} : [dim]{escape(one.verdict)}[/]")

    def answered(self, answered: Answered) -> None:
        """Show the answer and how long it took."""
        mark = "[green]✔[/]" if answered.as_expected else "[red]✘[/]"
        said = f"répond en {answered.seconds:.1f} s" if answered.as_expected else "ne répond pas"
        self._line(f"\n[bold]Le robot des usagers[/], {mark} {answered.robot} {said}")

    def refused(self, refused: Refused) -> None:
        """Show the peer, the rule and the reply."""
        if not self._bad_peers_announced:
            self._bad_peers_announced = True
            self._line("\n[bold]Des pairs que l'hôpital doit refuser[/]")
        mark = "[green]✔[/]" if refused.as_expected else "[red]✘[/]"
        self._line(f"  {mark} {refused.peer.title} : refusé, règle {refused.rule}")
        self._line(f"      [dim]{escape(refused.reply)}[/]")
        if refused.problem:
            self._line(f"      [red]{escape(refused.problem)}[/]")

    def published(self, published: Published) -> None:
        """Show how the new mailbox was published, and why another operator's search finds it."""
        mark = "[green]✔[/]" if published.as_expected else "[red]✘[/]"
        self._line(f"\n[bold]Une boîte que l'hôpital vient d'ouvrir[/], {mark} {published.address}")
        state = f"pas acceptée : {advice(published.code)[0]}" if published.code else "pas encore acceptée"
        if published.state is PublicationState.ACCEPTED:
            state = f"acceptée par l'annuaire du gestionnaire en {published.accepted_seconds:.1f} s"
        self._line(f"    {state}, puis son extraction publiée [dim]({published.lines} boîtes)[/]")
        searched = published.searched
        best = next(iter(searched.answers), None)
        found = "ne trouve rien" if best is None else "la trouve" if searched.as_expected else f"trouve {best.address}"
        reasons = "" if best is None else f" [dim]: {escape(', '.join(best.reasons))}[/]"
        self._line(f"    un médecin libéral cherche « {searched.words} » et {found}{reasons}")

    def done(self, totals: Totals) -> None:
        """Show the totals."""
        colour = "green" if totals.is_as_expected else "red"
        copies = f"{totals.delivered} copies remises, {totals.lost} perdue"
        refusals = f"{totals.refused} refus sur {totals.expected_refusals} attendus"
        times = f"première remise après {totals.first_seconds:.1f} s, tout en {totals.seconds:.1f} s"
        self._line(f"\n[{colour}]{copies}, {refusals}[/] ({times})")

    def waiting(self) -> None:
        """Show the accounts, and how to stop."""
        if self._layout is None:
            return
        everyone = [account for laid in self._layout.operators for account in self._accounts[laid.plan.key]]
        width = max((len(account.user) for account in everyone), default=0)
        self._line("")
        self._line(
            "Comptes (identifiant, type, mot de passe d'application), à utiliser sur les ports de dépôt et IMAP :"
        )
        for laid in self._layout.operators:
            submission = f"dépôt {LOOPBACK}, STARTTLS {laid.ports.submission}, TLS {laid.ports.submissions}"
            self._line(f"  {laid.plan.key:<12} {submission}")
            self._line(f"  {'':<12} IMAP {LOOPBACK}, STARTTLS {laid.ports.imap}, TLS {laid.ports.imaps}")
            for account in self._accounts[laid.plan.key]:
                self._line(f"    {account.user:<{width}}  {account.kind.value:<6}  {account.password}")
        self._line(f"Autorité à faire accepter par les logiciels : {self._layout.anchors}")
        self._line("L'espace reste ouvert. Ctrl-C pour l'arrêter.")


def ready_facts(layout: Layout, accounts: Accounts) -> dict[str, Any]:
    """Return everything that an outside program needs to connect."""
    return {
        "manager": {
            "url": f"https://{LOOPBACK}:{layout.manager_port}{LIST_PATH}",
            "extraction": f"https://{LOOPBACK}:{layout.manager_port}{EXTRACTION_PATH}",
            "directory": f"https://{LOOPBACK}:{layout.directory_port}/fhir/v2",
            "config": str(layout.manager_config),
        },
        "identity": {
            "issuer": layout.identity.issuer,
            "people": str(layout.identity.people),
            "config": str(layout.identity.config),
            "public_client": space.DESKTOP_CLIENT,
            "confidential_client": space.SERVER_CLIENT,
            "phone_client": space.PHONE_CLIENT,
        },
        "ca_file": str(layout.anchors),
        "folder": str(layout.folder),
        "operators": [
            {
                "name": laid.plan.name,
                "key": laid.plan.key,
                "hostname": laid.plan.host,
                "domains": list(laid.plan.domains),
                "smtp": {"host": LOOPBACK, "port": laid.ports.smtp},
                "submission": {
                    "host": LOOPBACK,
                    "port": laid.ports.submission,
                    "implicit_port": laid.ports.submissions,
                },
                "imap": {"host": LOOPBACK, "port": laid.ports.imap, "implicit_port": laid.ports.imaps},
                "autoconfig": {"host": LOOPBACK, "port": laid.ports.autoconfig, "url": autoconfig_url(laid)},
                "accounts": [_account_facts(account) for account in accounts[laid.plan.key]],
                "ca_file": str(layout.anchors),
                "config": str(laid.config),
            }
            for laid in layout.operators
        ],
    }


def _search_facts(searched: Searched) -> dict[str, object]:
    answers = [
        {"address": one.address, "name": one.name, "reasons": one.reasons, "warning": one.warning}
        for one in searched.answers
    ]
    return {"words": searched.words, "answers": answers, "ok": searched.as_expected}


def autoconfig_url(laid: Laid) -> str:
    """Return where the page for mail programs and people stands."""
    return f"https://{LOOPBACK}:{laid.ports.autoconfig}/"


def _account_facts(account: SandboxAccount) -> dict[str, str]:
    facts = {
        "address": str(account.address),
        "type": account.kind.value,
        "holder": account.holder,
        "user": account.user,
        "password": account.password,
    }
    if account.software:
        facts |= {"certificate": str(account.software.certificate), "key": str(account.software.key)}
    return facts


def _hop_facts(hop: Hop) -> dict[str, object]:
    return {
        "title": hop.title,
        "message_id": hop.message_id,
        "from": str(hop.sender),
        "to": str(hop.recipient),
        "step": hop.step,
        "operator": hop.operator,
        "rule": hop.rule,
        "list_version": hop.list_version,
        "tls": hop.tls,
        "ms": round(hop.milliseconds, 1),
    }
