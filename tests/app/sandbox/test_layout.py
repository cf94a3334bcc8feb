"""A laid-out sandbox is what an administrator would have written: files that our own reader accepts."""

import hashlib
import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mssante.app.config import read_config, read_secret
from mssante.app.directory import read_keys
from mssante.app.directory_place import directory_link
from mssante.app.directory_source import source_of
from mssante.app.manager import open_publishing
from mssante.app.sandbox import space
from mssante.app.sandbox.layout import Layout, lay_out, toml_text
from mssante.app.sandbox.ports import free_ports
from mssante.app.sandbox.stores import delist, fill_manager, fill_operator
from mssante.app.tls import read_material
from mssante.doors.manager.app import EXTRACTION_PATH
from mssante.flows.sign_in import digest_password
from mssante.model.mailbox import AccountKind, MailboxType
from mssante.model.settings import StoreSettings
from mssante.store import accounts, domains, mailboxes
from mssante.store.engine import Store
from mssante.wire.whitelist.read import read_white_list

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def layout(tmp_path_factory) -> Layout:
    return lay_out(tmp_path_factory.mktemp("space"), NOW)


def test_every_configuration_is_accepted_by_the_reader(layout: Layout) -> None:
    for laid in layout.operators:
        config = read_config(laid.config)
        assert config.role == "operator"
        assert config.operator.name == laid.plan.name
        assert config.smtp.port == laid.ports.smtp
        assert config.autoconfig.port == laid.ports.autoconfig
        assert read_material(config.tls, now=NOW).own.subject.first("CN") == laid.plan.host
    assert read_config(layout.manager_config).role == "manager"


def test_every_domain_has_its_host_in_every_table(layout: Layout) -> None:
    for laid in layout.operators:
        table = read_config(laid.config).resolver.table
        assert table == {
            domain: (f"{other.plan.host}=127.0.0.1:{other.ports.smtp}",)
            for other in layout.operators
            for domain in other.plan.domains
        }


def test_no_port_is_given_twice(layout: Layout) -> None:
    ports = [layout.manager_port, layout.directory_port]
    for laid in layout.operators:
        ports += [laid.ports.smtp, laid.ports.submission, laid.ports.submissions]
        ports += [laid.ports.imap, laid.ports.imaps, laid.ports.autoconfig]
        ports += [laid.ports.directory, laid.ports.ldap, laid.ports.ldaps]
    ports.append(layout.identity.port)
    assert len(set(ports)) == len(ports) == 39


def test_each_operator_with_professionals_has_a_key_of_its_own_to_publish_at_the_manager(layout: Layout) -> None:
    manager = read_config(layout.manager_config)
    assert manager.directory.port == layout.directory_port
    known = read_keys(manager.directory.api_keys)
    publishing = {}
    for laid in layout.operators:
        config = read_config(laid.config)
        if config.publication.directory_url:
            assert directory_link(config) is not None
            assert source_of(config).endswith(EXTRACTION_PATH)
            key = read_secret(config.publication.api_key)
            publishing[laid.plan.key] = known[hashlib.sha256(key).digest()].operator
    assert publishing == {plan.key: plan.key for plan in space.PUBLISHING}
    assert len(known) == len(publishing)


def test_free_ports_are_all_different() -> None:
    found = free_ports(50)
    assert len(set(found)) == 50


def test_secrets_and_keys_can_be_read_by_their_owner_only(layout: Layout) -> None:
    private = [*layout.folder.rglob("*.key"), *layout.folder.rglob("secrets/*.bin")]
    assert len(private) > 20
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_the_list_binds_each_domain_to_the_certificate_of_its_operator(layout: Layout) -> None:
    bound = {domain: name for domain, name, _ in layout.entries}
    for laid in layout.operators:
        for domain in laid.plan.domains:
            assert bound[domain] == laid.server.name
    assert space.VISITOR_DOMAIN in bound
    assert layout.visitors["unlisted"].name not in bound.values()
    assert layout.bad["other-name"].name not in bound.values()
    assert layout.bad["expired"].name == layout.visitors["visitor"].name


def test_settings_survive_the_way_through_toml(tmp_path: Path) -> None:
    sections = {
        "role": 'a "quoted" é \\ text',
        "x": {"number": 3, "share": 0.5, "flag": True, "path": tmp_path, "list": ["a", "b"], "table": {"a.b": ["c"]}},
    }
    read = tomllib.loads(toml_text(sections))
    assert read["role"] == sections["role"]
    assert read["x"] == {**sections["x"], "path": str(tmp_path)}


async def test_the_stores_hold_the_plan_and_open_with_the_passwords_shown(layout: Layout) -> None:
    laid = next(one for one in layout.operators if one.plan is space.HOSPITAL)
    made = await fill_operator(laid, NOW)
    store = await Store.open(laid.folder / "data", StoreSettings())
    try:
        assert set(await store.read(domains.list_domains)) == set(laid.plan.domains)
        boxes = await store.read(mailboxes.list_mailboxes)
        assert {box.address for box in boxes} == {account.address for account in made}
        key = (laid.folder / "secrets" / "credential_key.bin").read_bytes()
        for account in made:
            digest = digest_password(key, account.password)
            found = await store.read(lambda tx, digest=digest: accounts.credential_by_digest(tx, digest))
            assert found is not None
            assert found[0].login == account.user
            assert (found[0].kind is AccountKind.APPLICATION) == (account.kind is MailboxType.APP)
    finally:
        await store.close()


async def test_the_manager_holds_and_publishes_the_entries_and_can_take_one_out(layout: Layout) -> None:
    async def published() -> set[str]:
        async with open_publishing(read_config(layout.manager_config)) as publishing:
            current = await publishing.current()
            assert current is not None
            return set(read_white_list(current.raw).names)

    await fill_manager(layout)
    assert await published() == {entry[0] for entry in layout.entries}
    await delist(layout, space.LEAVING_DOMAIN)
    assert await published() == {entry[0] for entry in layout.entries} - {space.LEAVING_DOMAIN}
