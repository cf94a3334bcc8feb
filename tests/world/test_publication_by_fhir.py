"""An operator publishes its mailboxes in another directory over HTTPS, and withdraws them; both are real.

Source: issue of the directory (publication and life cycle); operators.md 4.6.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from directory_files import CHU, DUPONT, activities, extraction, loaded, opened
from proofs import HERE, USER, one_site
from standins import KeptLog

from mssante.app.directory import KeyEntry, add_key, open_directory_door
from mssante.app.directory_place import directory_link
from mssante.flows.amending import BoxChange
from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.flows.publication.announcing import Announcing
from mssante.model.address import parse_address
from mssante.model.directory import Caller
from mssante.model.mailbox import MailboxType
from mssante.model.national import with_luhn
from mssante.model.publication import Listing, PublicationState
from mssante.store import publication

KEY = "une-cle-d-api-assez-longue-pour-un-secret"


def wishes_no_paper(old: Listing) -> Listing:
    return replace(old, is_paperless=True)


async def test_boxes_are_accepted_by_the_other_directory_found_there_and_withdrawn(tmp_path: Path, pki) -> None:
    async with one_site(tmp_path, pki) as stage:
        operator = stage.site.operator
        national = tmp_path / "national"
        loaded(national, extraction=extraction(), activities=activities([(DUPONT, CHU)]))
        directory, store = opened(national)
        keys = tmp_path / "cles.toml"
        add_key(keys, KeyEntry("ici", hashlib.sha256(KEY.encode()).hexdigest(), "ici"))
        door = replace(operator.config.directory, host="127.0.0.1", port=0, api_keys=keys)
        secret = tmp_path / "cle"
        secret.write_text(KEY)
        secret.chmod(0o600)
        async with open_directory_door(replace(operator.config, directory=door), directory, None) as port:
            told = replace(
                operator.config.publication, directory_url=f"https://localhost:{port}/fhir/v2", api_key=secret
            )
            link = directory_link(replace(operator.config, publication=told))
            assert link is not None
            announcing = Announcing(
                settings=told,
                store=operator.store,
                link=link,
                clock=operator.clock,
                new_lease=lambda: "bail",
                trace_key=operator.trace_key,
                log=KeptLog(),
            )
            administering = Administering(
                store=operator.store, actor="essai", trace_key=operator.trace_key, clock=operator.clock
            )
            pharmacy = MailboxOrder(
                parse_address(f"pharmacie@{HERE}"),
                MailboxType.ORG,
                "Pharmacie",
                CHU.identifier,
                1_000_000,
                members=(USER,),
                listing=Listing(service="Pharmacie"),
            )
            await administering.create(pharmacy)
            doctor = parse_address(f"jean.dupont@{HERE}")
            await administering.create(
                MailboxOrder(doctor, MailboxType.PER, "Dr Jean DUPONT", DUPONT.identifier[1:], 1_000_000)
            )
            done = await announcing.publish_due()
            states = {
                str(one.mailbox.address): one.state
                for one in await operator.store.read(lambda tx: publication.list_announced(tx, state=None, limit=50))
            }
            assert states[f"pharmacie@{HERE}"] is PublicationState.ACCEPTED, states
            assert states[f"jean.dupont@{HERE}"] is PublicationState.ACCEPTED
            assert done.accepted >= 2
            found = await directory.search(Caller("ailleurs"), f"pharmacie@{HERE}")
            assert [one.entry.mailbox.service for one in found.entries] == ["Pharmacie"]

            # A wish for no paper reaches the directory; a place of work that it does not know is left out, and said.
            office = with_luhn("1234567890123")
            moved = BoxChange(amend=lambda old: replace(old, structure=office, is_paperless=True, rank=1))
            await administering.change(doctor, moved)
            await administering.change(parse_address(f"pharmacie@{HERE}"), BoxChange(amend=wishes_no_paper))
            assert (await announcing.publish_due()).accepted == 2
            (told,) = [
                one
                for one in await operator.store.read(lambda tx: publication.list_announced(tx, limit=50))
                if one.mailbox.address == doctor
            ]
            assert (told.state, told.code) == (PublicationState.ACCEPTED, "situation-unknown")
            for address, rank in ((f"pharmacie@{HERE}", None), (f"jean.dupont@{HERE}", 1)):
                found = await directory.search(Caller("ailleurs"), address)
                listed = [(one.entry.mailbox.is_paperless, one.entry.mailbox.rank) for one in found.entries]
                assert listed == [(True, rank)], address
        await store.close()
