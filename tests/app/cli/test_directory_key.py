"""``mssante directory key``: a key is shown once, and the file keeps its digest with whose budget it spends."""

import hashlib

from cli_world import Shell

from mssante.app.cli.main import OK, USAGE
from mssante.app.directory import read_key_file


def test_a_key_of_a_person_shares_the_budget_of_their_mailbox(shell: Shell) -> None:
    file = shell.config.with_name("cles.toml")
    shell.config.write_text(f'{shell.config.read_text()}\n[directory]\napi_keys = "{file}"\n')
    made = shell("directory", "key", "logiciel du cabinet", "--address", "Jean.Dupont@chu.mssante.fr")
    assert made.code == OK
    (entry,) = read_key_file(file).key
    assert entry.sha256 == hashlib.sha256(made.out.strip().encode()).hexdigest()
    assert (entry.name, entry.operator, entry.address) == ("logiciel du cabinet", "", "Jean.Dupont@chu.mssante.fr")
    assert shell("directory", "key", "logiciel du cabinet").code == USAGE
    assert shell("directory", "key", "autre", "--address", "personne").code == USAGE
