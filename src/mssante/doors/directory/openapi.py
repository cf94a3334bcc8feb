"""The OpenAPI 3 document of both interfaces, with the parameters taken from the tables that read them.

Source: the draft (operations, parameters, answers); OpenAPI 3.0.3.
"""

from typing import Any, Final

import msgspec

from mssante.doors.directory.answers import Problem
from mssante.doors.directory.ordering import SORT
from mssante.doors.directory.rest import FILTERS, LIMIT_MAX, PATH, SUGGESTIONS_MAX, WORDS_MAX_CHARS, Answer, Suggestions
from mssante.model.directory import Holder
from mssante.wire.fhir.criteria import CRITERIA
from mssante.wire.fhir.resources import (
    Bundle,
    OperationOutcome,
    Organization,
    Parameters,
    Practitioner,
    PractitionerRole,
)
from mssante.wire.fhir.search import CONTROLS, RESOURCES

Json = dict[str, Any]

_FHIR: Final = "application/fhir+json"
_REFERENCES: Final = "#/components/schemas/{name}"
_STRUCTS: Final = (
    Practitioner,
    PractitionerRole,
    Organization,
    Bundle,
    OperationOutcome,
    Parameters,
    Answer,
    Suggestions,
    Problem,
)
_REFUSALS: Final = {
    "400": "Demande mal formée (MSG_BAD_FORMAT)",
    "401": "Identification nécessaire",
    "403": "Droit manquant",
    "404": "Rien ne correspond (MSG_NO_EXIST)",
    "406": "Seul application/fhir+json est servi",
    "412": "Plusieurs fiches correspondent (SEARCH_MULTIPLE), ou fiche modifiée entre-temps",
    "413": "Demande trop volumineuse",
    "414": "Adresse demandée trop longue",
    "415": "Le corps n'est pas application/fhir+json",
    "422": "Adresse déjà connue (MSG_PARAM_NO_REPEAT), ou adresse et type qui ne changent pas",
    "429": "Quota épuisé ; voir Retry-After",
    "503": "Annuaire indisponible ; voir Retry-After",
}
_READING: Final = ("400", "401", "403", "404", "406", "414", "429", "503")
_WRITING: Final = ("400", "401", "403", "404", "412", "413", "414", "415", "422", "429", "503")
_REST: Final = ("400", "401", "403", "414", "429", "503")
_CONDITIONAL: Final = {
    Holder.PERSON: ("identifier",),
    Holder.ROLE: ("identifier", "practitioner.identifier", "organization.identifier"),
    Holder.PLACE: ("identifier",),
}
_FILTER_WORDS: Final = {
    "name": "Nom",
    "given": "Prénom",
    "profession": "Profession : libellé ou code",
    "speciality": "Savoir-faire : libellé ou code",
    "structure": "Nom de la structure",
    "street": "Voie",
    "postcode": "Code postal",
    "town": "Commune",
    "address": "Adresse MSSanté, ou son début",
    "identifier": "RPPS, ADELI, FINESS ou SIRET",
    "kind": "Type de BAL : PER, ORG, APP, CAB",
}


def document(*, base_url: str, prefix: str, version: str) -> Json:
    """Return the document.

    Args:
        base_url: address of the server, without path.
        prefix: path under which FHIR is.
        version: of this program.
    """
    paths: Json = {
        f"{prefix}/metadata": {
            "get": {**_operation("capabilities", "Ce que sait faire ce serveur", {}, ()), "security": []}
        },
        prefix: {"get": _search_types()},
        PATH: {"get": _rest("searchDirectory", "Chercher une adresse", _rest_parameters(), "Answer")},
        f"{PATH}/complete": {
            "get": _rest("completeDirectory", "Compléter une saisie", _completion_parameters(), "Suggestions")
        },
    }
    for name, holder in RESOURCES.items():
        paths[f"{prefix}/{name}"] = {"get": _search(name, holder), "patch": _patch_found(name, holder)}
        paths[f"{prefix}/{name}/_search"] = {"post": _search_posted(name)}
        paths[f"{prefix}/{name}/{{id}}"] = {"get": _read(name), "patch": _patch(name)}
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Annuaire MSSanté",
            "version": version,
            "description": "FHIR R4 et recherche pour logiciels.",
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _security()},
        "security": [{"ApiKey": []}, {"Bearer": []}, {"Basic": []}],
    }


def _schemas() -> Json:
    _, found = msgspec.json.schema_components(_STRUCTS, ref_template=_REFERENCES)
    return found


def _security() -> Json:
    return {
        "ApiKey": {"type": "apiKey", "in": "header", "name": "ESANTE-API-KEY"},
        "Bearer": {"type": "http", "scheme": "bearer"},
        "Basic": {"type": "http", "scheme": "basic"},
    }


def _search(name: str, holder: Holder) -> Json:
    told = {one: criterion.told for one, criterion in CRITERIA[holder].items()}
    parameters = [_text(one, said) for one, said in told.items()]
    for modifier in ("contains", "exact"):
        parameters += [
            _text(f"{one}:{modifier}", said) for one, said in told.items() if CRITERIA[holder][one].kind == "string"
        ]
    parameters += [_text("identifier", "Identifiant de la situation d'exercice")] if holder is Holder.ROLE else []
    return _operation(f"search{name}", f"Rechercher : {name}", _answers("Bundle"), _READING, parameters + _controls())


def _search_types() -> Json:
    names = ",".join(RESOURCES)
    types = {**_text("_type", f"Types, séparés par des virgules : {names}"), "required": True}
    common = [_text(one, CRITERIA[Holder.PERSON][one].told) for one in ("mailbox-mss", "mailbox-mss-type")]
    return _operation(
        "searchTypes", "Rechercher dans plusieurs types", _answers("Bundle"), _READING, [types, *common, *_controls()]
    )


def _search_posted(name: str) -> Json:
    found = _operation(f"post{name}", f"Rechercher : {name}", _answers("Bundle"), (*_READING, "413"))
    form = {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
    return {**found, "requestBody": {"content": {"application/x-www-form-urlencoded": form}}}


def _read(name: str) -> Json:
    answers = {**_answers(name), "304": {"description": "Inchangé"}}
    return _operation(f"read{name}", f"Lire : {name}", answers, _READING, [_ID])


def _patch(name: str) -> Json:
    return _patching(_operation(f"patch{name}BAL", f"Modifier les BAL : {name}", _answers(name), _WRITING, [_ID]))


def _patch_found(name: str, holder: Holder) -> Json:
    parameters = [_text(one, "Système et valeur : système|valeur") for one in _CONDITIONAL[holder]]
    if holder is not Holder.ROLE:
        parameters[0]["required"] = True
    return _patching(
        _operation(f"patch{name}BALByIdentifier", f"Modifier : {name}", _answers(name), _WRITING, parameters)
    )


def _patching(operation: Json) -> Json:
    body = {_FHIR: {"schema": {"$ref": _REFERENCES.format(name="Parameters")}}}
    return {**operation, "requestBody": {"required": True, "content": body}}


def _rest(identifier: str, summary: str, parameters: list[Json], schema: str) -> Json:
    answers = {"200": _content("Réponse", "application/json", schema)}
    found = _operation(identifier, summary, answers, (), parameters)
    refusals = {status: _content(_REFUSALS[status], "application/problem+json", "Problem") for status in _REST}
    return {**found, "responses": {**answers, **refusals}}


def _rest_parameters() -> list[Json]:
    limit = _limit(LIMIT_MAX)
    filters = [_words(one, _FILTER_WORDS[one]) for one in FILTERS]
    return [_words("q", "Ce qui est cherché, en mots"), *filters, _words("department", "Département"), limit]


def _completion_parameters() -> list[Json]:
    return [
        {**_words("q", "Les lettres déjà saisies ; rien en dessous de deux"), "required": True},
        _limit(SUGGESTIONS_MAX),
    ]


def _limit(most: int) -> Json:
    return {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": most}}


def _words(name: str, told: str) -> Json:
    found = _text(name, told)
    return {**found, "schema": {"type": "string", "maxLength": WORDS_MAX_CHARS}}


def _controls() -> list[Json]:
    return [_text(one, told) for one, told in CONTROLS.items() if one != "_count"] + [
        {
            "name": "_count",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
            "description": CONTROLS["_count"],
        },
        _text(SORT, "Tri d'un résultat d'une page : family, name, _id ; « - » devant pour l'ordre inverse"),
    ]


def _text(name: str, told: str) -> Json:
    return {"name": name, "in": "query", "schema": {"type": "string"}, "description": told}


_ID: Final[Json] = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
    "description": "Identifiant logique",
}


def _operation(
    identifier: str, summary: str, answers: Json, refusals: tuple[str, ...], parameters: list[Json] | None = None
) -> Json:
    told = {status: _content(_REFUSALS[status], _FHIR, "OperationOutcome") for status in refusals}
    done = answers or {"200": {"description": "Fait", "content": {_FHIR: {"schema": {"type": "object"}}}}}
    return {
        "operationId": identifier,
        "summary": summary,
        "parameters": parameters or [],
        "responses": {**done, **told},
    }


def _answers(schema: str) -> Json:
    return {"200": _content("Fait", _FHIR, schema)}


def _content(told: str, media_type: str, schema: str) -> Json:
    return {"description": told, "content": {media_type: {"schema": {"$ref": _REFERENCES.format(name=schema)}}}}
