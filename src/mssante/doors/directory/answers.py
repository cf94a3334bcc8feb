"""What each reason of refusal is over HTTP: status, FHIR issue, the one table of this door; and its headers.

Source: operators.md 4.6 (404 MSG_NO_EXIST, 412 SEARCH_MULTIPLE, 422 MSG_PARAM_NO_REPEAT, 400 MSG_BAD_FORMAT);
FHIR R4 http; RFC 9110 section 15; RFC 9457.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import msgspec
from starlette.responses import Response

from mssante.model.decision import Kind, Refusal
from mssante.wire.fhir.outcome import issue, outcome
from mssante.wire.fhir.resources import encode

FHIR_JSON: Final = "application/fhir+json; charset=utf-8"
PROBLEM_JSON: Final = "application/problem+json"
HEADERS: Final = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
    }
)
_CHALLENGE: Final = 'Bearer realm="mssante", Basic realm="mssante", charset="UTF-8"'


@dataclass(frozen=True, slots=True)
class Reply:
    """What a refusal is here.

    Attributes:
        issue: code of the value set issue-type (FHIR R4).
        french: said when the refusal itself has nothing in French.
        message: code of the national interface, or "".
        retry_seconds: Retry-After; 0: none.
    """

    status: int
    issue: str
    french: str
    message: str = ""
    retry_seconds: int = 0


_BAD: Final = Reply(400, "invalid", "La demande est mal formée.", "MSG_BAD_FORMAT")
_SIGN_IN: Final = Reply(401, "login", "Identifiez-vous : clé d'API, jeton, mot de passe ou certificat.")
_SHOW: Final = "présentez celui d'un opérateur de la liste blanche, ou une clé d'API"
_FORBIDDEN: Final = Reply(403, "forbidden", "Vous n'avez pas le droit de faire cela.")
_LATER: Final = Reply(503, "transient", "Le service est momentanément indisponible : réessayez.", retry_seconds=30)
_UNSURE: Final = Reply(
    503,
    "transient",
    "La liste blanche ou une liste de révocation manque ici : réessayez, ou présentez une clé d'API sans certificat.",
    retry_seconds=30,
)
_TOO_MUCH: Final = Reply(429, "throttled", "Trop de demandes : réessayez plus tard.", retry_seconds=60)
_OUR_FAULT: Final = Reply(500, "exception", "Une erreur de notre côté empêche de répondre.")

REPLIES: Final[Mapping[Kind, Reply]] = MappingProxyType(
    {
        Kind.ENTRY_UNKNOWN: Reply(404, "not-found", "Rien ne correspond dans l'annuaire.", "MSG_NO_EXIST"),
        Kind.ENTRY_AMBIGUOUS: Reply(
            412, "multiple-matches", "Plusieurs fiches correspondent : précisez les critères.", "SEARCH_MULTIPLE"
        ),
        Kind.ADDRESS_TAKEN: Reply(422, "duplicate", "Cette adresse est déjà dans l'annuaire.", "MSG_PARAM_NO_REPEAT"),
        Kind.ADDRESS_FIXED: Reply(
            422,
            "business-rule",
            "L'adresse et le type d'une BAL ne changent pas : supprimez-la, puis créez-en une autre.",
        ),
        Kind.NOT_YOURS: Reply(403, "forbidden", "Cette boîte n'est pas publiée par votre opérateur."),
        Kind.BUDGET_SPENT: Reply(
            429, "throttled", "Votre quota de consultations est épuisé : réessayez plus tard.", retry_seconds=3600
        ),
        Kind.QUERY_UNCLEAR: Reply(400, "invalid", "La demande n'est pas comprise.", "MSG_BAD_FORMAT"),
        Kind.DIRECTORY_UNAVAILABLE: Reply(
            503, "transient", "L'annuaire est momentanément indisponible : réessayez.", retry_seconds=30
        ),
        Kind.TLS_REQUIRED: Reply(403, "security", "Une connexion chiffrée est exigée."),
        Kind.TLS_UNAVAILABLE: _LATER,
        Kind.CERTIFICATE_MISSING: Reply(401, "login", f"Aucun certificat n'a été présenté : {_SHOW}."),
        Kind.CERTIFICATE_UNTRUSTED: Reply(
            401, "login", f"Le certificat présenté ne vient pas de l'espace de confiance : {_SHOW}."
        ),
        Kind.CERTIFICATE_EXPIRED: Reply(
            401, "login", "Le certificat présenté a expiré, ou n'est pas encore valable : présentez le nouveau."
        ),
        Kind.CERTIFICATE_REVOKED: Reply(
            401, "login", "Le certificat présenté est révoqué : demandez-en un autre, et présentez-le."
        ),
        Kind.CERTIFICATE_USAGE: Reply(
            401, "login", f"Le certificat présenté n'est pas fait pour s'identifier : {_SHOW}."
        ),
        Kind.REVOCATION_UNKNOWN: _UNSURE,
        Kind.LIST_UNAVAILABLE: _UNSURE,
        Kind.SIGN_IN_REQUIRED: _SIGN_IN,
        Kind.SIGN_IN_FAILED: Reply(401, "login", "Identification refusée : vérifiez la clé ou le mot de passe."),
        Kind.SIGN_IN_THROTTLED: _TOO_MUCH,
        Kind.IDENTITY_UNAVAILABLE: _LATER,
        Kind.RIGHTS_MISSING: _FORBIDDEN,
        Kind.SYNTAX: _BAD,
        Kind.SEQUENCE: _BAD,
        Kind.COMMAND_UNKNOWN: Reply(404, "not-supported", "Rien ne répond à cette adresse demandée ainsi."),
        Kind.PARAMETER_UNKNOWN: Reply(400, "not-supported", "Un paramètre n'est pas connu.", "MSG_BAD_FORMAT"),
        Kind.ADDRESS_SYNTAX: _BAD,
        Kind.UTF8_REQUIRED: _BAD,
        Kind.LINE_TOO_LONG: Reply(414, "too-long", "L'adresse demandée est trop longue."),
        Kind.MESSAGE_TOO_BIG: Reply(413, "too-long", "La demande est trop volumineuse."),
        Kind.TOO_COSTLY: Reply(429, "too-costly", "Cette recherche coûte trop cher : précisez-la.", retry_seconds=60),
        Kind.TOO_MANY_ERRORS: _TOO_MUCH,
        Kind.TOO_MANY_CONNECTIONS: _TOO_MUCH,
        Kind.TOO_SLOW: _LATER,
        Kind.STORE_FULL: _LATER,
        Kind.STORE_UNAVAILABLE: _LATER,
        Kind.SHUTTING_DOWN: _LATER,
        Kind.MAILBOX_SUSPENDED: _FORBIDDEN,
        # Reasons that come up elsewhere, named all the same: a new one must be thought of here too.
        Kind.MAILBOX_UNKNOWN: _OUR_FAULT,
        Kind.MAILBOX_FULL: _LATER,
        Kind.SENDER_NOT_ALLOWED: _FORBIDDEN,
        Kind.DN_NOT_LISTED: Reply(
            401, "login", f"Le certificat présenté n'est celui d'aucun opérateur de la liste blanche : {_SHOW}."
        ),
        Kind.SENDER_DOMAIN_UNLISTED: _OUR_FAULT,
        Kind.RECIPIENT_DOMAIN_UNLISTED: _OUR_FAULT,
        Kind.HOST_MISMATCH: _OUR_FAULT,
        Kind.RELAY: _OUR_FAULT,
        Kind.SENDER_DOMAIN_OURS: _OUR_FAULT,
        Kind.HEADER_FROM: _OUR_FAULT,
        Kind.FOLDER_UNKNOWN: _OUR_FAULT,
        Kind.FOLDER_EXISTS: _OUR_FAULT,
        Kind.FOLDER_FIXED: _OUR_FAULT,
        Kind.SPECIAL_USE: _OUR_FAULT,
        Kind.FOLDER_NAME: _OUR_FAULT,
        Kind.FOLDER_READ_ONLY: _OUR_FAULT,
        Kind.TOO_MANY_FOLDERS: _OUR_FAULT,
        Kind.BARE_LINE_END: _OUR_FAULT,
        Kind.MESSAGE_MALFORMED: _OUR_FAULT,
        Kind.TOO_MANY_RECIPIENTS: _LATER,
        Kind.TOO_MANY_UNKNOWN_RECIPIENTS: _LATER,
        Kind.LOOP: _OUR_FAULT,
        Kind.HOST_UNKNOWN: _LATER,
        Kind.HOST_UNREACHABLE: _LATER,
        Kind.PEER_PROTOCOL: _LATER,
        Kind.PEER_REFUSED: _OUR_FAULT,
        Kind.PEER_DEFERRED: _LATER,
        Kind.EXPIRED: _OUR_FAULT,
    }
)
"""Reason -> reply; a reason that cannot come up here is a fault of ours."""


class Problem(msgspec.Struct, omit_defaults=True, frozen=True):
    """A refusal for software that does not speak FHIR (RFC 9457).

    Attributes:
        detail: in French.
        kind: the stable name of the reason.
        part: in English, which part is meant.
    """

    title: str
    status: int
    detail: str
    kind: str
    part: str = ""


def refused(refusal: Refusal, *, status: int = 0) -> Response:
    """Return the refusal as an OperationOutcome; `status` stands in for the one of the table."""
    reply = REPLIES[refusal.kind]
    said = issue(
        "error", reply.issue, refusal.french or reply.french, message=reply.message, diagnostics=refusal.public
    )
    return Response(encode(outcome(said)), status or reply.status, _headers(reply), FHIR_JSON)


def problem(refusal: Refusal, *, status: int = 0) -> Response:
    """Return the refusal as a problem document; `status` stands in for the one of the table."""
    reply = REPLIES[refusal.kind]
    said = Problem(
        "Demande refusée", status or reply.status, refusal.french or reply.french, refusal.kind.value, refusal.public
    )
    return Response(encode(said), status or reply.status, _headers(reply), PROBLEM_JSON)


def _headers(reply: Reply) -> dict[str, str]:
    found = dict(HEADERS)
    if reply.retry_seconds:
        found["Retry-After"] = str(reply.retry_seconds)
    if reply.status == 401:
        found["WWW-Authenticate"] = _CHALLENGE
    return found
