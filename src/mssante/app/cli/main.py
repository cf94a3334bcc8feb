"""``mssante``: finds the command, runs it, turns errors into one line and an exit code.

Only the file of the command that is called is imported, so that each one starts fast.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

import click

from mssante.app.cli.usage import FrenchFormatter, usage_text
from mssante.model.errors import ConfigError, LinkError, MssError, StoreError, WireError

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
STORE: Final = 3
OUTSIDE: Final = 4
BUG: Final = 70
INTERRUPTED: Final = 130

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("init", "Préparer un opérateur : configuration, secrets, magasin."),
    "config": ("config", "Vérifier ou montrer la configuration."),
    "serve": ("serve", "Faire tourner l'opérateur, ou le gestionnaire."),
    "demo": ("demo", "Tout un espace de confiance sur cette machine, en une commande."),
    "mailbox": ("mailbox", "Boîtes, mots de passe d'application, domaines."),
    "send": ("send", "Envoyer un message."),
    "mail": ("mail", "Lire, exporter, suivre des messages."),
    "directory": ("directory", "L'annuaire : importer, chercher, montrer."),
    "document": ("document", "Documents de santé : fabriquer, vérifier, montrer, extraire."),
    "queue": ("queue", "Les copies en route : voir, retenir, relancer."),
    "whitelist": ("whitelist", "La liste blanche : montrer, vérifier, comparer, expliquer."),
    "peer": ("peer", "Vérifier un autre opérateur comme il nous vérifierait."),
    "node": ("node", "Les nœuds d'un magasin partagé : voir, oublier."),
    "audit": ("audit", "Le journal d'audit : vérifier, montrer."),
    "dns": ("dns", "Les enregistrements DNS d'un domaine, prêts à copier."),
    "autoconfig": ("autoconfig", "Ce que les logiciels de messagerie apprennent."),
    "store": ("store", "Le magasin : le déplacer d'un moteur à l'autre."),
    "scale": ("scale", "Ce qu'il faut de machines et de place, selon la taille."),
    "pki": ("pki", "Certificats : PKI de test, demande, lecture."),
    "token": ("token", "Un jeton du fournisseur d'identité d'essai."),
}
"""Command -> its module in this folder (the command has the module's name) and its caption."""


class Commands(click.Group):
    """The commands of the table, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a first use."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, or None when there is none of that name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _caption = _COMMANDS[cmd_name]
        found = getattr(import_module(f"mssante.app.cli.{module}"), module)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the captions without importing the commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, caption) for name, (_module, caption) in _COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Montrer la trace complète d'une erreur.")
@click.version_option(package_name="mssante", message="mssante %(version)s", help="Donner la version.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """MSSanté : messagerie sécurisée de santé, opérateur et espace de confiance.

    \b
    Exemple : mssante demo --once
    Codes de sortie : 0 fait ; 1 refusé, ou quelque chose à signaler ; 2 commande ou configuration fausse ;
      3 magasin ; 4 l'extérieur ne répond pas ; 70 erreur du programme ; 130 interrompu.
    """
    context.obj["debug"] = debug


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. Errors are one line on standard error, never a trace unless asked."""
    click.Context.formatter_class = FrenchFormatter
    state = {"debug": False}
    try:
        code = cli.main(list(arguments), prog_name="mssante", standalone_mode=False, obj=state)
    except click.exceptions.NoArgsIsHelpError as shown:
        click.echo(shown.ctx.get_help())
        return USAGE
    except click.ClickException as error:
        return _say(usage_text(error), USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrompu", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read us has enough; Python must not complain about it again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except MssError as error:
        if state["debug"]:
            raise
        return _say(str(error), exit_code(error))
    except Exception as error:
        if state["debug"]:
            raise
        text = (
            f"erreur du programme ({type(error).__name__} : {error}) ; relancez avec `mssante --debug` et signalez-la"
        )
        return _say(text, BUG)
    return code if isinstance(code, int) else OK


def exit_code(error: MssError) -> int:
    """Return the exit code of an error of ours."""
    match error:
        case ConfigError() | WireError():
            return USAGE
        case StoreError():
            return STORE
        case LinkError():
            return OUTSIDE
        case _:
            return REFUSED


def _say(text: str, code: int) -> int:
    click.echo(f"mssante : {' '.join(text.split())}", err=True)
    return code
