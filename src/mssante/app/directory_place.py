"""Where the directory stands, and the way to the one that is told of our mailboxes; imports little, for commands."""

from pathlib import Path
from typing import Final

from mssante.app.config import Config, read_secret
from mssante.app.tls import read_chain
from mssante.links.directory_fhir import FhirDirectory
from mssante.store.directory.engine import DirectoryShelf, DirectoryStore
from mssante.store.directory.file import DirectoryFolder

DIRECTORY_FOLDER: Final = "annuaire"


def directory_folder(config: Config) -> Path:
    """Return the folder of the directory, or of what this node keeps beside one that several nodes share."""
    return config.directory.folder or config.operator.data_dir / DIRECTORY_FOLDER


def directory_shelf(config: Config) -> DirectoryShelf:
    """Return where the directory stands: in files of its own, or in the database that several nodes share.

    Raises:
        ConfigError: the database's address or a file that it needs cannot be used.
    """
    if config.store.engine == "postgresql":
        from mssante.store.directory.postgres.shelf import PostgresShelf

        return PostgresShelf(config.store)
    return DirectoryFolder(directory_folder(config))


def open_directory(config: Config) -> DirectoryStore:
    """Return the store of the directory; nothing is opened before it is asked."""
    return directory_shelf(config).store(readers=config.directory.readers)


def directory_link(config: Config) -> FhirDirectory | None:
    """Return the way to the directory that is told of our mailboxes, None when the configuration has none.

    Raises:
        ConfigError: its address, key or roots cannot be used.
    """
    told = config.publication
    if not told.directory_url:
        return None
    key = "" if told.api_key is None else read_secret(told.api_key).decode("ascii", "replace").strip()
    return FhirDirectory(
        told.directory_url,
        read_chain(told.anchors or config.tls.anchors, "anchors", section="publication"),
        api_key=key,
    )
