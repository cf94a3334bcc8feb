"""The pages of the provider: choose who you are, answer on the telephone. No script; every text is escaped."""

from collections.abc import Iterable
from html import escape
from typing import Final

from mssante.flows.provider import Pending
from mssante.wire.oidc.values import Person

STYLE: Final = """\
:root{color-scheme:light dark;--back:#f4f6f9;--card:#fff;--text:#1b2733;
--soft:#52606d;--line:#d5dce4;--act:#0b5cad;--on:#fff}
@media(prefers-color-scheme:dark){:root{--back:#12181f;--card:#1c252e;
--text:#eef2f6;--soft:#a9b6c3;--line:#34414d;--act:#7cb8f5;--on:#0d1319}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:2rem 1rem 3rem}h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem}
p{margin:.25rem 0 1rem;color:var(--soft)}.mark{display:inline-block;border:1px solid var(--line);border-radius:1rem;
padding:.1rem .75rem;font-size:.875rem;color:var(--soft);margin-bottom:1rem}
ul{list-style:none;margin:0;padding:0;display:grid;gap:.75rem}@media(min-width:36rem){ul{grid-template-columns:1fr 1fr}}
li{background:var(--card);border:1px solid var(--line);border-radius:.5rem}
.who{display:block;width:100%;text-align:left;padding:.9rem 1rem;border:0;background:none;color:inherit;font:inherit;
cursor:pointer;border-radius:.5rem}.who:hover,.who:focus-visible{outline:2px solid var(--act);outline-offset:-2px}
.who b{display:block}.who span{display:block;color:var(--soft);font-size:.9rem}
.ask{padding:1rem}.code{font-size:2rem;font-weight:700;letter-spacing:.2em}
.row{display:flex;gap:.5rem;flex-wrap:wrap}
.row button{padding:.6rem 1.1rem;border-radius:.4rem;font:inherit;cursor:pointer;
border:1px solid var(--act);background:none;color:var(--act)}.row .yes{background:var(--act);color:var(--on)}
"""
_PAGE: Final = """\
<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="stylesheet" href="{style}"></head><body><main>
<span class="mark">Bac à sable : identités inventées</span><h1>{title}</h1>{content}</main></body></html>
"""


def choose_page(people: Iterable[Person], number: str, action: str, style: str) -> str:
    """Return the page on which somebody chooses who he is.

    Args:
        people: who there is.
        number: of the request.
        action: address that the choice is posted to.
        style: address of the style sheet.
    """
    cards = "".join(
        f'<li><form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="request" value="{escape(number)}">'
        f'<button class="who" name="who" value="{escape(one.national_id)}"><b>{escape(one.given_name)} '
        f"{escape(one.family_name)}</b><span>{escape(one.role)}, {escape(one.structure)}</span>"
        f"<span>RPPS {escape(one.national_id[1:])}</span></button></form></li>"
        for one in people
    )
    text = "<p>Choisissez le professionnel au nom duquel vous vous connectez.</p>"
    return _PAGE.format(title="Qui êtes-vous ?", content=f"{text}<ul>{cards}</ul>", style=escape(style))


def phone_page(waiting: Iterable[Pending], token: str, action: str, style: str) -> str:
    """Return the page that stands for the telephones: each request with its two digits, to approve or refuse."""
    cards = "".join(
        f'<li class="ask"><b>{escape(one.person.given_name)} {escape(one.person.family_name)}</b>'
        f"<p>{escape(one.client.client_id)} demande votre accord.</p>"
        f'<p class="code">{escape(one.message)}</p>'
        f'<form method="post" action="{escape(action)}" class="row">'
        f'<input type="hidden" name="request" value="{escape(one.request)}">'
        f'<input type="hidden" name="token" value="{escape(token)}">'
        '<button class="yes" name="answer" value="yes">Approuver</button>'
        '<button name="answer" value="no">Refuser</button></form></li>'
        for one in waiting
    )
    content = f"<ul>{cards}</ul>" if cards else "<p>Aucune demande en attente. Rechargez la page pour la revoir.</p>"
    intro = "<p>Vérifiez que les deux chiffres sont ceux que montre votre logiciel.</p>" if cards else ""
    return _PAGE.format(title="Téléphone e-CPS", content=intro + content, style=escape(style))


def error_page(text: str, style: str) -> str:
    """Return the page for a request that cannot be answered anywhere else."""
    return _PAGE.format(title="Demande refusée", content=f"<p>{escape(text)}</p>", style=escape(style))
