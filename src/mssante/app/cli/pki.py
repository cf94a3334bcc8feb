"""``mssante pki``: a test PKI, the request for a real certificate, and what a peer would see of one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from mssante.app.cli.french import counted, french_date
from mssante.app.cli.typed import DOMAIN
from mssante.app.sandbox.keys import key_pem, new_key
from mssante.app.sandbox.pki import (
    Legal,
    bad_certificates,
    new_pki,
    write_issued,
    write_pki,
    write_private,
    write_public,
)
from mssante.model.errors import ConfigError, WireError
from mssante.model.national import is_finess, is_siret
from mssante.model.peer import Certificate
from mssante.model.system import reason
from mssante.wire.x509.read import distribution_points, read_certificate, read_pem_chain

_USAGES: Final = {
    "1.3.6.1.5.5.7.3.1": "serveur (serverAuth)",
    "1.3.6.1.5.5.7.3.2": "client (clientAuth)",
    "1.3.6.1.5.5.7.3.4": "courrier (emailProtection)",
}
_EXAMPLE: Final = Legal("STRUCTURE EXEMPLE", "1310990015", "Haute-Garonne (31)")
_HOST: Final = "mss.exemple.fr"
FILE_MAX_BYTES: Final = 1024 * 1024
SOON: Final = timedelta(days=60)


@click.group()
def pki() -> None:
    """Certificats : PKI de test, demande d'un certificat réel, lecture d'un certificat.

    \b
    Exemple : mssante pki show /etc/mssante/operateur.pem
    """


@pki.command("test")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--host", "hosts", type=DOMAIN, multiple=True, default=("mss.exemple.fr",), help="Nom d'un serveur ; répétable."
)
@click.option("--url", default="https://localhost:8443", help="Où les listes de révocation seront publiées.")
def make_test_pki(folder: Path, hosts: tuple[str, ...], url: str) -> None:
    """Créer dans FOLDER une PKI de test de la même forme que l'IGC-Santé.

    Elle contient les autorités, leurs listes de révocation, un certificat SERV SSL par serveur, un certificat
    d'application (ORG AUTH_CLI), un de signature (ORG SIGN), et des certificats à refuser (expiré, révoqué, autre
    autorité...). Ne convient qu'aux essais : les clés des autorités sont dans le dossier.

    \b
    Exemple : mssante pki test essai --host mss.hopital.fr
    Codes de sortie : 0 fait, 2 dossier non vide ou non accessible.
    """
    _refuse_used(folder)
    now = datetime.now(UTC).replace(microsecond=0)
    made = new_pki(new_key(), new_key(), now, base_url=url.rstrip("/"))
    names = list(hosts)
    bad = bad_certificates(made, _EXAMPLE, names[0], new_key(), now)
    try:
        write_pki(made, folder, now)
        for host in names:
            write_issued(made, made.server(_EXAMPLE, host, key=new_key(), now=now), folder / "server", host)
        client = made.client(_EXAMPLE, "LOGICIEL EXEMPLE", key=new_key(), now=now)
        write_issued(made, client, folder / "client", "logiciel-exemple")
        signer = made.signer(_EXAMPLE, "SIGNATURE EXEMPLE", key=new_key(), now=now)
        write_issued(made, signer, folder / "signer", "signature-exemple")
        for name, issued in bad.items():
            write_issued(made, issued, folder / "bad", name)
    except OSError as error:
        msg = f"{folder} : {reason(error)} ; choisissez un dossier où vous pouvez écrire"
        raise ConfigError(msg) from error
    click.echo(
        f"PKI de test créée dans {folder} : anchors.pem, intermediates.pem, crl/, server/, client/, signer/, bad/."
    )


@pki.command()
@click.option("--cn", type=DOMAIN, required=True, help="Nom complet du serveur SMTP, par exemple mss.ch-exemple.fr.")
@click.option("--finess", default="", help="FINESS de l'entité juridique (9 caractères).")
@click.option("--siret", default="", help="SIRET, si la structure n'a pas de FINESS (14 chiffres).")
@click.option("--name", required=True, help="Raison sociale ; coupée à 40 caractères.")
@click.option("--department", required=True, help="Département, par exemple « Haute-Garonne (31) ».")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Dossier des fichiers.")
def request(cn: str, finess: str, siret: str, name: str, department: str, out: Path) -> None:
    """Préparer la commande d'un certificat SERV SSL : une clé et une demande (CSR) à déposer à l'IGC-Santé.

    \b
    Exemple : mssante pki request --cn mss.ch-exemple.fr --finess 310990015 \\
                --name "CH EXEMPLE" --department "Haute-Garonne (31)" --out /etc/mssante
    Codes de sortie : 0 fait, 2 donnée fausse ou fichier déjà là.
    """
    legal = Legal(name, _structure(finess, siret), department)
    key_file, request_file = out / f"{cn}.key", out / f"{cn}.csr"
    for path in (key_file, request_file):
        if path.exists():
            msg = f"{path} existe déjà ; déplacez-le d'abord, une clé n'est jamais écrasée"
            raise ConfigError(msg)
    key = new_key()
    names = x509.SubjectAlternativeName([x509.DNSName(cn)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(legal.subject(cn))
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    try:
        write_private(key_file, key_pem(key))
        write_public(request_file, signed.public_bytes(Encoding.PEM))
    except OSError as error:
        msg = f"{out} : {reason(error)} ; choisissez un dossier où vous pouvez écrire"
        raise ConfigError(msg) from error
    click.echo(f"Clé (à garder secrète) : {key_file}\nDemande à déposer :      {request_file}")


@pki.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Un objet JSON, pour un programme.")
@click.pass_context
def show(context: click.Context, file: Path, as_json: bool) -> None:
    """Montrer ce qu'un autre opérateur verrait du premier certificat de FILE (PEM ou DER).

    \b
    Exemple : mssante pki show /etc/mssante/operateur.pem
    Codes de sortie : 0 valable aujourd'hui, 1 expiré ou pas encore valable, 2 fichier illisible.
    """
    der = _read_first(file)
    certificate = read_certificate(der)
    now = datetime.now(UTC)
    facts = _facts(certificate, distribution_points(der), now)
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    else:
        click.echo(_shown(certificate, facts, now))
    if not certificate.not_before <= now <= certificate.not_after:
        context.exit(1)


def _refuse_used(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        msg = f"{folder} n'est pas vide ; donnez un nouveau dossier"
        raise ConfigError(msg)


def _structure(finess: str, siret: str) -> str:
    """Return the number as certificates hold it: "1" and FINESS, or "3" and SIRET.

    Source: operators.md 2.3 (OU: IdNat_Struct).
    """
    if bool(finess) == bool(siret):
        msg = "donnez --finess ou --siret, l'un des deux"
        raise ConfigError(msg)
    if finess and not is_finess(finess):
        msg = f"--finess {finess} : pas un FINESS (9 caractères, clé de contrôle comprise) ; vérifiez la saisie"
        raise ConfigError(msg)
    if siret and not is_siret(siret):
        msg = f"--siret {siret} : pas un SIRET (14 chiffres, clé de contrôle comprise) ; vérifiez la saisie"
        raise ConfigError(msg)
    return f"1{finess}" if finess else f"3{siret}"


def _read_first(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_MAX_BYTES)
    except OSError as error:
        msg = f"certificat {file} : {reason(error)} ; vérifiez le chemin et les droits"
        raise ConfigError(msg) from error
    try:
        der = read_pem_chain(data)[0] if b"-----BEGIN" in data else data
        read_certificate(der)
    except (WireError, IndexError) as error:
        msg = f"certificat {file} : aucun certificat PEM ou DER lisible ; est-ce le bon fichier ?"
        raise ConfigError(msg) from error
    return der


def _facts(certificate: Certificate, points: tuple[str, ...], now: datetime) -> dict[str, object]:
    return {
        "subject": str(certificate.subject),
        "issuer": str(certificate.issuer),
        "serial": f"{certificate.serial:X}",
        "fingerprint": certificate.fingerprint,
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "days_left": (certificate.not_after - now).days,
        "dns_names": list(certificate.dns_names),
        "usages": sorted(_USAGES.get(usage, usage) for usage in certificate.extended_usages),
        "key_usages": sorted(certificate.key_usages),
        "revocation_lists": list(points),
    }


def _shown(certificate: Certificate, facts: dict[str, object], now: datetime) -> str:
    def joined(name: str, absent: str) -> str:
        found = facts[name]
        return ", ".join(found) if isinstance(found, list) and found else absent

    end = f"{french_date(certificate.not_after)} ({_remaining(certificate, now)})"
    return "\n".join(
        (
            f"Nom (comme dans la liste blanche) : {certificate.subject}",
            f"Autorité :                          {certificate.issuer}",
            f"Numéro de série :                   {facts['serial']}",
            f"Empreinte SHA-256 :                 {certificate.fingerprint}",
            f"Valable du :                        {french_date(certificate.not_before)}",
            f"        au :                        {end}",
            f"Serveurs :                          {joined('dns_names', 'aucun (seul le CN compte)')}",
            f"Usages :                            {joined('usages', 'non précisés')}",
            f"Listes de révocation :              {joined('revocation_lists', 'aucune')}",
        )
    )


def _remaining(certificate: Certificate, now: datetime) -> str:
    left = certificate.not_after - now
    if now < certificate.not_before:
        return "PAS ENCORE VALABLE"
    if left < timedelta(0):
        return "EXPIRÉ"
    text = f"encore {counted(left.days, 'jour')}"
    return f"{text} : à renouveler" if left < SOON else text
