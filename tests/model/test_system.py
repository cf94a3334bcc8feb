"""Errors of the operating system are told in French."""

import errno

from mssante.model.system import reason


def test_a_known_error_is_told_in_french() -> None:
    assert reason(FileNotFoundError(errno.ENOENT, "No such file or directory")) == "fichier ou dossier introuvable"


def test_an_unknown_error_keeps_the_words_of_the_system() -> None:
    assert reason(OSError(errno.ENOTTY, "Inappropriate ioctl")) == "Inappropriate ioctl"
    assert reason(OSError("no number")) == "no number"
