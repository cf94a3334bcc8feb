"""The files about the space are national files: the importer takes every line, and knows where everybody works."""

from pathlib import Path

from directory_files import load_sources, opened

from mssante.app.sandbox import published, space
from mssante.app.sandbox.places import HOSPITAL, listing_of, space_activities, space_extraction
from mssante.flows.directory.rows import Source
from mssante.model.directory import Caller, Holder, Target
from mssante.model.mailbox import MailboxType
from mssante.model.publication import Listing
from mssante.rules.publication import situation_identifier
from mssante.wire.annuaire.extraction import read_extraction
from mssante.wire.annuaire.persons import read_activities


async def test_every_holder_of_the_plan_is_there_to_attach_a_mailbox_to(tmp_path: Path) -> None:
    report = load_sources(
        tmp_path,
        [
            Source("boites", "extraction", read_extraction([space_extraction()])),
            Source("personnes", "activities", read_activities([space_activities()])),
        ],
    )
    assert [one.bad for one in report.sources] == [0, 0]
    directory, store = opened(tmp_path)
    try:
        for plan in space.PUBLISHING:
            for box in plan.mailboxes:
                if box.kind is MailboxType.PER:
                    identifier = situation_identifier(f"8{box.identifier}", listing_of(box).structure)
                    target = Target(Holder.ROLE, identifier)
                else:
                    target = Target(Holder.PLACE, box.identifier)
                found = await directory.one(Caller("essai"), target)
                assert hasattr(found, "mailboxes"), (box, found)
    finally:
        await store.close()


def test_a_service_says_its_name_and_a_citizen_nothing() -> None:
    boxes = {box.address.local: box for plan in space.OPERATORS for box in plan.mailboxes}
    assert listing_of(boxes["cardiologie"]) == Listing(service="Service de cardiologie")
    assert listing_of(boxes["claire.martel"]) == Listing(structure=HOSPITAL.identifier)
    assert listing_of(boxes["dpi"]) == Listing()
    assert listing_of(boxes[space.CITIZEN_INS]) == Listing()


def test_the_mailbox_that_is_opened_later_is_not_in_the_files() -> None:
    assert str(published.BOX).encode() not in space_extraction()
