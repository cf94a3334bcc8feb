"""What goes wrong between this program and PostgreSQL, as errors of ours that name the database and the fix.

Three sorts: what the server refused for good, what may be done again from the start (`AgainError`), and a connection
that was lost (`LostError`, one of the latter).

Source: reliability.md H05 to H07.
"""

from typing import Final

from asyncpg import exceptions as pg  # type: ignore[import-untyped]

from mssante.model.errors import StoreAwayError, StoreDamagedError, StoreError, StoreFullError, StoreSchemaError
from mssante.model.system import reason

FOREIGN: Final[tuple[type[BaseException], ...]] = (
    pg.PostgresError,
    pg.InterfaceError,
    # What a query meets on a connection that the server has just ended.
    pg.InternalClientError,
    OSError,
    TimeoutError,
    EOFError,
)
"""What asyncpg raises."""
UNREACHABLE: Final = "vérifiez que PostgreSQL tourne et que [store] dsn est juste ; l'opération est à refaire"

_Kinds = type[BaseException] | tuple[type[BaseException], ...]
_REFUSALS: Final[tuple[tuple[_Kinds, type[StoreError], str], ...]] = (
    (pg.DiskFullError, StoreFullError, "n'a plus de place : libérez-en sur ce serveur, rien n'a été gardé"),
    (
        (pg.DataCorruptedError, pg.IndexCorruptedError),
        StoreDamagedError,
        "est abîmé : remettez sa dernière bonne sauvegarde",
    ),
    (pg.LockNotAvailableError, StoreError, "est tenu par un autre nœud depuis trop longtemps : réessayez"),
    (
        pg.QueryCanceledError,
        StoreError,
        "met trop de temps à répondre : réessayez, ou augmentez [store] answer_seconds",
    ),
    (
        pg.InvalidAuthorizationSpecificationError,
        StoreError,
        "refuse cet utilisateur : vérifiez son nom dans [store] dsn, le fichier de [store] password et pg_hba.conf",
    ),
    (
        pg.InvalidCatalogNameError,
        StoreError,
        "n'existe pas : créez cette base (createdb) ou corrigez [store] dsn",
    ),
    (
        (pg.UndefinedTableError, pg.UndefinedColumnError, pg.UndefinedFunctionError),
        StoreSchemaError,
        "n'a pas le schéma de ce programme : reprenez la version de ce programme qui va avec cette base",
    ),
    (
        pg.InsufficientPrivilegeError,
        StoreError,
        "refuse une opération : donnez à cet utilisateur tous les droits sur son schéma",
    ),
    (pg.IntegrityConstraintViolationError, StoreError, "refuse une ligne : elle en contredit une autre"),
)


class AgainError(StoreAwayError):
    """The transaction was given up by the server for a reason that passes; nothing of it was kept."""


class LostError(AgainError):
    """There is no connection any more, or there was none to be had."""


def translate(error: BaseException, name: str, *, writes: bool = False) -> StoreError:
    """Return an error of asyncpg as one of ours.

    Args:
        error: one of `FOREIGN`.
        name: what the database is called.
        writes: the connection is there to write, so that a server that only reads is no longer the right one.
    """
    if isinstance(error, StoreError):
        return error
    if writes and isinstance(error, pg.ReadOnlySQLTransactionError):
        return LostError(f"{name} n'est plus le serveur principal, qui est cherché ; l'opération est à refaire")
    return _lost(error, name) or _refused(error, name) or StoreError(f"{name} : {_one_line(error)}")


def _lost(error: BaseException, name: str) -> StoreError | None:
    match error:
        case pg.SerializationError() | pg.DeadlockDetectedError():
            return AgainError(f"{name} : deux opérations se sont gênées ({error}) ; l'opération est à refaire")
        case pg.IdleInTransactionSessionTimeoutError() | pg.IdleSessionTimeoutError():
            return LostError(f"{name} a fermé une connexion trop longtemps muette ; l'opération est à refaire")
        case pg.TooManyConnectionsError():
            fix = "augmentez max_connections ou baissez [store] connections"
            return LostError(f"{name} n'accepte plus de connexions : {fix}")
        case (
            pg.PostgresConnectionError()
            | pg.AdminShutdownError()
            | pg.CrashShutdownError()
            | pg.CannotConnectNowError()
            | pg.TargetServerAttributeNotMatched()
            | pg.ConnectionDoesNotExistError()
        ):
            return LostError(f"{name} ne répond plus ({_one_line(error)}) : {UNREACHABLE}")
        case TimeoutError():
            return LostError(f"{name} ne répond pas à temps : {UNREACHABLE}")
        case OSError():
            return LostError(f"{name} ne répond pas ({reason(error)}) : {UNREACHABLE}")
        case pg.InterfaceError() | pg.InternalClientError() | EOFError():
            return LostError(f"{name} : connexion perdue ({_one_line(error)}) ; l'opération est à refaire")
    return None


def _refused(error: BaseException, name: str) -> StoreError | None:
    for kinds, made, text in _REFUSALS:
        if isinstance(error, kinds):
            return made(f"{name} {text} ({_one_line(error)})")
    return None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
