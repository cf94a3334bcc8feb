"""``mssante``: finding commands, errors in one line, exit codes."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from mssante.app.cli import main as subject
from mssante.app.cli.main import cli, exit_code, run
from mssante.model.errors import ConfigError, LinkError, MssError, StoreError, StoreFullError, TheirProtocolError


def walk(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield context.command_path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None, name
            yield from walk(child, click.Context(child, info_name=name, parent=context))


EVERY = list(walk(cli, click.Context(cli, info_name="mssante")))


@pytest.mark.parametrize(("path", "command", "context"), EVERY, ids=[path for path, _, _ in EVERY])
def test_every_command_says_what_it_does_with_an_example(path: str, command: click.Command, context) -> None:
    text = command.get_help(context)
    assert "Exemple" in text
    for option in command.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None), option.name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["foo"], "la commande foo n'existe pas ; voir `mssante --help`"),
        (["mailbox", "foo"], "la commande foo n'existe pas ; voir `mssante mailbox --help`"),
        (["mailbox", "list", "--jsom"], "l'option --jsom n'existe pas (peut-être --json)"),
        (["mailbox", "add"], "il manque l'argument ADDRESS"),
        (["mailbox", "show", "a b"], "'a b' n'est pas une adresse de la forme nom@domaine"),
        (["mailbox", "show", "a@b.fr", "c@d.fr"], "argument en trop c@d.fr"),
        (["mailbox", "quota", "a@b.fr", "beaucoup"], "n'est pas une taille"),
        (["mailbox", "domain", "add", "_x"], "n'est pas un nom de domaine"),
        (["mailbox", "add", "a@b.fr", "--type", "X", "--holder", "h"], "donnez un de PER, ORG, APP, CAB, USAGER"),
        (["queue", "show", "x"], "un nombre entier est attendu"),
        (["mail", "list", "a@b.fr", "--limit", "0"], "un nombre entier de 1 à 10000 est attendu"),
        (["whitelist", "check", "/"], "l'argument FILE : / est un dossier, pas un fichier"),
        (["pki", "request", "--cn", "a b", "--name", "x", "--department", "y"], "n'est pas un nom de domaine"),
        (["peer", "check", "a b", "--domain", "a.fr"], "n'est pas un nom de serveur"),
        (["whitelist", "admit", "a.fr", "pas un nom"], "n'est pas un nom de certificat, par exemple CN="),
        (["audit", "show", "--since", "hier"], "n'est pas une date"),
        (["audit", "list", "--config", "/nowhere"], "la commande list n'existe pas"),
        (["queue", "list", "--config", "/nowhere"], "/nowhere"),
    ],
)
def test_tells_a_wrong_command_in_one_french_line(arguments: list[str], said: str, capsys) -> None:
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("mssante : ")
    assert said in error
    assert error.count("\n") == 1


def test_shows_french_help_without_arguments(capsys) -> None:
    assert run([]) == 2
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage : mssante [OPTIONS] COMMANDE..." in shown
    assert "Commandes :" in shown
    assert "Montrer cette aide." in shown


def test_gives_its_version(capsys) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mssante 0.")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (TheirProtocolError("x"), 2),
        (StoreError("x"), 3),
        (StoreFullError("x"), 3),
        (LinkError("x"), 4),
        (MssError("x"), 1),
    ],
)
def test_gives_each_error_its_exit_code(error: MssError, code: int) -> None:
    assert exit_code(error) == code


def fail_with(monkeypatch, error: BaseException) -> None:
    def explode() -> None:
        raise error

    command = click.Command("serve", callback=explode)
    monkeypatch.setattr(subject.Commands, "get_command", lambda *_: command)


def test_tells_an_unforeseen_error_without_a_trace(monkeypatch, capsys) -> None:
    fail_with(monkeypatch, ZeroDivisionError("zero\nline"))
    assert run(["serve"]) == 70
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), StoreError("y")])
def test_shows_the_trace_when_asked(monkeypatch, error: Exception) -> None:
    fail_with(monkeypatch, error)
    with pytest.raises(type(error)):
        run(["--debug", "serve"])


def test_says_that_it_was_interrupted(monkeypatch, capsys) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    assert run(["serve"]) == 130
    assert "interrompu" in capsys.readouterr().err


def test_imports_only_what_the_command_needs() -> None:
    program = (
        "import sys; from mssante.app.cli.main import run; run(['queue', '--help']);"
        "heavy = {'uvicorn', 'lxml', 'signxml', 'httpx2', 'starlette', 'dns', 'cryptography'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
