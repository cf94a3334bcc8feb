"""The JSON document of the newer draft (PACC), and its digest for the DNS.

Implicit TLS on the ports by default only: the draft has no other. A domain whose services stand elsewhere has no such
document.

The text of the draft was not at hand: this follows what programs that implement revisions 02 and 03 do. Revision 04
exists and must be compared before anybody relies on it.

Source: draft-ietf-mailmaint-pacc-03 (``/.well-known/user-agent-configuration.json`` on ``ua-auto-config.<domain>``).
"""

import base64
import hashlib
import json
from typing import Final

from mssante.model.autoconfig import Authentication, Endpoint, MailServices, Socket, endpoint_by

PATH: Final = "/.well-known/user-agent-configuration.json"
IMAPS_PORT: Final = 993
SUBMISSIONS_PORT: Final = 465
_NAME_CHARS: Final = 60


def user_agent_configuration(services: MailServices) -> bytes | None:
    """Return the document, the same bytes each time, or None when no service can be written in it.

    Source: draft-ietf-mailmaint-pacc-03.
    """
    protocols: dict[str, object] = {}
    if (imap := _default(services.imap, IMAPS_PORT)) is not None:
        protocols["imap"] = {"host": imap.host}
    if (submission := _default(services.submission, SUBMISSIONS_PORT)) is not None:
        protocols["submit"] = {"host": submission.host}
    if services.jmap_url:
        protocols["jmap"] = {"url": services.jmap_url}
    if not protocols:
        return None
    authentication: dict[str, object] = {"password": Authentication.PASSWORD in services.authentication}
    if services.oauth is not None:
        authentication["oauth-public"] = {"issuer": services.oauth.issuer}
    info: dict[str, object] = {"provider": {"name": " ".join(services.display_name.split())[:_NAME_CHARS]}}
    if services.help_url:
        info["help"] = {"documentation": services.help_url}
    document = {"protocols": protocols, "authentication": authentication, "info": info}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=2).encode() + b"\n"


def digest_record(services: MailServices) -> str | None:
    """Return the text of ``_ua-auto-config.<domain>``, or None when there is no document.

    Source: draft-ietf-mailmaint-pacc-03 (UAAC1).
    """
    document = user_agent_configuration(services)
    if document is None:
        return None
    return f"v=UAAC1; a=sha256; d={base64.b64encode(hashlib.sha256(document).digest()).decode()}"


def _default(offered: tuple[Endpoint, ...], port: int) -> Endpoint | None:
    found = endpoint_by(offered, Socket.TLS)
    return found if found is not None and found.port == port else None
