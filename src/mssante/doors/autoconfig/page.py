"""The page for people: how to set up a mail program, in French, without a script."""

import base64
import hashlib
from html import escape
from typing import Final

from mssante.model.autoconfig import Authentication, Endpoint, MailServices, Socket
from mssante.wire.autoconfig.mobileconfig import PATH

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b2733;--soft:#526170;--paper:#fbfbf9;--line:#d5dbe0;
--field:#eef2f4;--go:#0b5c86;--on:#fff}
@media (prefers-color-scheme:dark){
:root{--ink:#e6ebef;--soft:#a8b4be;--paper:#14191e;--line:#35404a;--field:#1f272e;--go:#7cc4ea;--on:#10202b}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,sans-serif}
main{max-width:46rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 .5rem}
h2{font-size:1.25rem;margin:2.5rem 0 .5rem}
p{margin:.5rem 0}.soft{color:var(--soft)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.75rem 0}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-weight:500;font-size:.9375rem}
code{background:var(--field);padding:.1rem .4rem;border-radius:.25rem;
font:.9375rem ui-monospace,monospace;user-select:all;overflow-wrap:anywhere}
form{display:flex;flex-wrap:wrap;gap:.75rem;align-items:end;margin:.75rem 0}
label{flex:1 1 16rem;font-weight:500}
input{display:block;width:100%;margin-top:.25rem;padding:.6rem .75rem;border:1px solid var(--soft);
border-radius:.375rem;background:var(--paper);color:inherit;font:inherit}
button{padding:.6rem 1.1rem;border:0;border-radius:.375rem;background:var(--go);color:var(--on);
font:inherit;font-weight:600;cursor:pointer}
::placeholder{color:var(--soft);opacity:1}
td:nth-child(3),td:nth-child(3) code{white-space:nowrap}
:focus-visible{outline:3px solid var(--go);outline-offset:2px}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SOCKETS: Final = {Socket.STARTTLS: "STARTTLS", Socket.TLS: "SSL/TLS"}
_WAYS: Final = {
    Authentication.OAUTH2: "Pro Santé Connect (OAuth2)",
    Authentication.PASSWORD: "mot de passe d'application",
    Authentication.CERTIFICATE: "certificat du logiciel, pour les boîtes applicatives",
}


def help_page(services: MailServices) -> bytes:
    """Return the page."""
    name = escape(services.display_name)
    ways = "&nbsp;; ".join(_WAYS[way] for way in services.authentication)
    return f"""<!DOCTYPE html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Régler votre logiciel de messagerie – {name}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Régler votre logiciel de messagerie</h1>
<p class="soft">{name}, messagerie sécurisée de santé</p>
<p>Le plus souvent, votre adresse suffit&nbsp;: le logiciel trouve le reste tout seul.
Sinon, recopiez les valeurs ci-dessous.</p>

<h2>Les réglages</h2>
{_table(services)}
<p>Identifiant&nbsp;: votre adresse complète. Connexion&nbsp;: {ways}.</p>
<p class="soft">Un mot de passe d'application est donné par votre administrateur,
un par logiciel&nbsp;;
il n'est montré qu'une fois.</p>

<h2>Thunderbird</h2>
<p>Menu <b>Nouveau compte</b>,
<b>Courrier électronique</b>&nbsp;: donnez votre nom et votre adresse, puis <b>Continuer</b>.
Thunderbird trouve les serveurs&nbsp;; choisissez <b>IMAP</b>.</p>

<h2>Outlook</h2>
<p><b>Fichier</b>, <b>Ajouter un compte</b>&nbsp;: donnez votre adresse, puis <b>Se connecter</b>.
S'il demande un type de compte, choisissez <b>IMAP</b> et vérifiez les valeurs du tableau.</p>

<h2>iPhone, iPad et Mac</h2>
<p>Téléchargez un profil de réglage, puis ouvrez <b>Réglages</b>, <b>Profil téléchargé</b>, <b>Installer</b>.
Le profil ne contient aucun mot de passe.</p>
<form action="{PATH}" method="get">
<label for="address">Votre adresse
<input id="address" name="address" type="email" required autocomplete="email"
placeholder="prenom.nom@{escape(services.domain)}"></label>
<button type="submit">Télécharger le profil</button>
</form>
</main>
</body>
</html>
""".encode()


def _table(services: MailServices) -> str:
    rows = [_row("Lecture (IMAP)", at) for at in services.imap]
    rows += [_row("Envoi (SMTP)", at) for at in services.submission]
    rows += [_row("Annuaire (LDAP)", at) for at in services.ldap]
    head = "".join(f'<th scope="col">{text}</th>' for text in ("Service", "Serveur", "Port", "Sécurité"))
    return (
        '<div class="scroll"><table><caption>Serveurs, le premier de chaque sorte de préférence</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody></table></div>"
    )


def _row(service: str, at: Endpoint) -> str:
    return (
        f'<tr><th scope="row">{service}</th><td><code>{escape(at.host)}</code></td>'
        f"<td><code>{at.port}</code></td><td>{_SOCKETS[at.socket]}</td></tr>\n"
    )
