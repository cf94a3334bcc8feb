"""French for what click writes by itself: headings of the help, errors of usage."""

from collections.abc import Iterable
from typing import Final

import click

_HEADINGS: Final = {"Commands": "Commandes", "Options": "Options", "Arguments": "Arguments"}
_HELP_TEXTS: Final = {
    "Show this message and exit.": "Montrer cette aide.",
    "Show the version and exit.": "Donner la version.",
}
_KINDS: Final = (
    (" TEXT", " TEXTE"),
    (" PATH", " CHEMIN"),
    (" DIRECTORY", " DOSSIER"),
    (" FILE", " FICHIER"),
    (" INTEGER RANGE", " NOMBRE"),
    (" FLOAT", " NOMBRE"),
    (" INTEGER", " NOMBRE"),
)
_PATH_FAULTS: Final = (
    ("does not exist", "n'existe pas"),
    ("is a directory", "est un dossier, pas un fichier"),
    ("is a file", "est un fichier, pas un dossier"),
    ("is not readable", "ne peut pas être lu par cet utilisateur"),
    ("is not writable", "ne peut pas être écrit par cet utilisateur"),
)
_NOTES: Final = (("[required]", "[obligatoire]"), ("[default: ", "[par défaut : "), ("; required]", " ; obligatoire]"))


class FrenchFormatter(click.HelpFormatter):
    """Writes the help with French headings."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line of usage."""
        super().write_usage(prog, args.replace("COMMAND [ARGS]...", "COMMANDE..."), prefix or "Usage : ")

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        self.write(f"{'':>{self.current_indent}}{_HEADINGS.get(heading, heading)} :\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a list of terms."""
        super().write_dl([(_term(term), _french(text)) for term, text in rows], col_max, col_spacing)


def usage_text(error: click.ClickException) -> str:
    """Return the error in French, in one line, with the way to the help."""
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "mssante"
    return f"{_fault(error)} ; voir `{path} --help`"


def _fault(error: click.ClickException) -> str:
    match error:
        case click.NoSuchOption():
            near = f" (peut-être {', '.join(error.possibilities)})" if error.possibilities else ""
            return f"l'option {error.option_name} n'existe pas{near}"
        case click.MissingParameter():
            return f"il manque {_named(error.param, error.ctx)}"
        case click.BadParameter():
            return f"{_named(error.param, error.ctx)} : {_choices(error)}"
        case click.FileError():
            return f"{error.ui_filename} : {error.message}"
        case click.UsageError() if error.message.startswith("No such command"):
            return f"la commande {error.message.split(chr(39))[1]} n'existe pas"
        case click.UsageError() if error.message.startswith("Got unexpected extra argument"):
            return f"argument en trop {error.message.partition('(')[2].rstrip(').')}"
        case _:
            return error.message.rstrip(".")


def _named(param: click.Parameter | None, context: click.Context | None) -> str:
    if param is None:
        return "un paramètre"
    kind = "l'argument" if isinstance(param, click.Argument) else "l'option"
    name = param.make_metavar(context) if isinstance(param, click.Argument) and context else param.opts[0]
    return f"{kind} {name}"


def _choices(error: click.BadParameter) -> str:
    kind = error.param.type if error.param else None
    if isinstance(kind, click.Choice):
        return f"donnez un de {', '.join(str(choice) for choice in kind.choices)}"
    if isinstance(kind, click.types.IntParamType):
        between = ""
        if isinstance(kind, click.IntRange) and kind.min is not None and kind.max is not None:
            between = f" de {kind.min} à {kind.max}"
        return f"un nombre entier{between} est attendu"
    if isinstance(kind, click.Path):
        return _path_fault(error.message.rstrip("."))
    return error.message.rstrip(".")


def _path_fault(text: str) -> str:
    for english, french in _PATH_FAULTS:
        if english in text:
            return f"{text.split(chr(39))[1]} {french}"
    return text


def _term(text: str) -> str:
    for english, french in _KINDS:
        if text.endswith(english):
            return text.removesuffix(english) + french
    return text


def _french(text: str) -> str:
    text = _HELP_TEXTS.get(text, text)
    for english, french in _NOTES:
        text = text.replace(english, french)
    return text
