"""``mssante serve``: run the operator, or the manager, of one configuration."""

from pathlib import Path

import click

from mssante.app.config import find_config, read_config


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="Fichier de configuration.")
def serve(config_path: Path | None) -> None:
    """Fait tourner l'opérateur, le gestionnaire ou le fournisseur d'identité d'essai jusqu'à l'arrêt (SIGTERM, Ctrl-C).

    Une ligne JSON « ready » annonce sur la sortie standard que les portes sont ouvertes ; les journaux vont sur la
    sortie d'erreur.

    \b
    Exemple :
      mssante serve --config /etc/mssante/mssante.toml
    """
    from mssante.app.process import serve as run

    run(read_config(find_config(config_path)))
