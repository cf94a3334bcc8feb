"""Whether the store of a configuration is there: a wrong path or a missing disk must not make an empty one.

A database server is asked when the store is opened (`Store.open`, ``must_be_there``).
"""

from mssante.app.config import Config
from mssante.model.errors import ConfigError, StoreError
from mssante.store.connection import FILE_NAME


def must_exist(config: Config) -> None:
    """Refuse to go on without a store.

    Raises:
        StoreError: there is none where the configuration says.
    """
    if config.store.engine != "sqlite":
        return
    path = config.operator.data_dir / FILE_NAME
    if not path.is_file():
        first = "mssante whitelist admit" if config.role == "manager" else "mssante init"
        msg = f"{path} n'existe pas ; vérifiez que son disque est monté, [operator] data_dir, ou tapez `{first}`"
        raise StoreError(msg)


def must_be_operator(config: Config) -> None:
    """Refuse the configuration of a manager, which has no mailboxes, no queue and no list of its own.

    Raises:
        ConfigError: it is a manager's.
        StoreError: there is no store where the configuration says.
    """
    if config.role != "operator":
        msg = f"{config.source} : configuration d'un gestionnaire ; donnez celle d'un opérateur avec --config"
        raise ConfigError(msg)
    must_exist(config)
