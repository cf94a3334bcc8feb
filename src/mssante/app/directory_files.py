"""Files to import into the directory: opened, taken out of their archive, recognised by their first line."""

import contextlib
import gc
import multiprocessing
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from mssante.flows.directory.rows import Piece, Source, in_order, pieces
from mssante.model.errors import ConfigError, MssError
from mssante.model.system import reason
from mssante.wire.annuaire.extraction import read_extraction
from mssante.wire.annuaire.finess import read_finess
from mssante.wire.annuaire.hospitals import read_hospitals
from mssante.wire.annuaire.lines import Batch
from mssante.wire.annuaire.persons import read_activities, read_specialities

CHUNK_BYTES: Final = 1024 * 1024
EXPANDED_MAX_BYTES: Final = 8 * 1024**3
FIRST_BYTES: Final = 4096
_READERS: Final[Mapping[str, Callable[[Iterable[bytes]], Iterator[Batch]]]] = {
    "extraction": read_extraction,
    "activities": read_activities,
    "specialities": read_specialities,
    "finess": read_finess,
    "hospitals": read_hospitals,
}


def read_elsewhere(paths: Sequence[Path]) -> tuple[list[tuple[str, str]], Iterator[Piece]]:
    """Return name and kind of each file in the order of reading, and their rows, read by another process.

    Reading and mapping take longer than what the database does with the rows: two processes use two cores.

    Raises:
        ConfigError: a file cannot be opened or is of no known kind; from the rows: it is damaged.
    """
    files = [(one.name, one.kind) for one in in_order(open_source(path) for path in paths)]
    return files, _pieces_of(paths)


def _pieces_of(paths: Sequence[Path]) -> Iterator[Piece]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    reader = context.Process(target=_send_pieces, args=(there, tuple(paths)), daemon=True)
    reader.start()
    there.close()
    try:
        while (found := here.recv()) is not None:
            if isinstance(found, MssError):
                raise found
            yield found
    except EOFError as error:
        msg = "la lecture des fichiers s'est arrêtée ; relancez l'import"
        raise ConfigError(msg) from error
    finally:
        here.close()
        reader.terminate()
        reader.join()


def _send_pieces(to: Connection, paths: tuple[Path, ...]) -> None:
    """Be the process that reads; rows of text make no cycles, and looking for some takes a sixth of the time."""
    gc.disable()
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            for piece in pieces(in_order(open_source(path) for path in paths)):
                to.send(piece)
        except MssError as error:
            to.send(type(error)(str(error)))
        to.send(None)
    to.close()


def open_source(path: Path) -> Source:
    """Return a file as a source of an import; its rows are read when they are asked for.

    Args:
        path: a file of one of the known kinds, alone or as the only .txt or .csv of a ZIP archive.

    Raises:
        ConfigError: it cannot be opened, or it is of no known kind.
    """
    try:
        first = next(_chunks(path), b"")[:FIRST_BYTES]
    except (OSError, zipfile.BadZipFile) as error:
        raise _unusable(path, error) from error
    kind = kind_of(first.decode("utf-8", "replace").partition("\n")[0])
    if not kind:
        wanted = "extraction MSSanté, PS_LibreAcces (Personne_activite, SavoirFaire), stock FINESS, liste d'hôpitaux"
        msg = f"{path} : première ligne inconnue ; fichiers reconnus : {wanted}"
        raise ConfigError(msg)
    return Source(path.name, kind, _READERS[kind](_guarded(path)))


def kind_of(header: str) -> str:
    """Return the kind of a file by its first line, "" for none that is known."""
    line = header.lstrip("\ufeff").lower()
    if "adresse bal" in line:
        return "extraction"
    if "code mode exercice" in line:
        return "activities"
    if "savoir-faire" in line and "identifiant pp" in line:
        return "specialities"
    if line.startswith("finess;"):
        return "finess"
    return "hospitals" if line.startswith("id,hospital_name") else ""


def _guarded(path: Path) -> Iterator[bytes]:
    """Yield the chunks; what goes wrong in the middle, a cut archive too, is one error with its fix."""
    try:
        yield from _chunks(path)
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise _unusable(path, error) from error


def _chunks(path: Path) -> Iterator[bytes]:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
        return
    with zipfile.ZipFile(path) as archive:
        names = [one for one in archive.namelist() if one.lower().endswith((".txt", ".csv"))]
        if len(names) != 1:
            msg = f"{path} : {len(names)} fichiers .txt ou .csv dans l'archive au lieu d'un ; extrayez le bon"
            raise ConfigError(msg)
        total = 0
        with archive.open(names[0]) as file:
            while chunk := file.read(CHUNK_BYTES):
                total += len(chunk)
                if total > EXPANDED_MAX_BYTES:
                    size = f"plus de {EXPANDED_MAX_BYTES // 1024**3} Gio une fois ouvert"
                    msg = f"{path} : {size} ; ce n'est pas un annuaire"
                    raise ConfigError(msg)
                yield chunk


def _unusable(path: Path, error: Exception) -> ConfigError:
    if isinstance(error, OSError):
        return ConfigError(f"{path} : {reason(error)} ; donnez un fichier lisible")
    return ConfigError(f"{path} : archive abîmée ou incomplète ({error}) ; téléchargez-la de nouveau")
