"""The OpenAPI document is kept: a generator asks what it allows, and each answer is one that it names.

Short and always the same questions; `SCHEMATHESIS_EXAMPLES=500` asks more.
"""

import os
from typing import Any

import pytest
from fhir_shelf import FhirShelf, directory_app, directory_client
from hypothesis import HealthCheck, settings

from mssante.wire.fhir.criteria import CRITERIA
from mssante.wire.fhir.search import CONTROLS, RESOURCES

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", directory_app(FhirShelf()))
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
]


@SCHEMA.parametrize()
@settings(
    max_examples=int(os.environ.get("SCHEMATHESIS_EXAMPLES", "6")),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_those_that_the_document_names(case: Any) -> None:  # noqa: ANN401 - a class of schemathesis
    checks = [schemathesis.checks.CHECKS.get_one(name) for name in CHECKS]
    case.call_and_validate(headers={"ESANTE-API-KEY": "cle-du-chu"}, checks=checks)


async def test_the_document_names_what_is_served() -> None:
    async with directory_client(FhirShelf(), key="") as client:
        told = (await client.get("/openapi.json")).json()
    for name, holder in RESOURCES.items():
        named = {one["name"] for one in told["paths"][f"/fhir/v2/{name}"]["get"]["parameters"]}
        assert {*CRITERIA[holder], *CONTROLS} <= named
        assert "mailbox-mss:contains" in named
    served = {route.path for route in directory_app(FhirShelf()).routes}
    assert served - {"/openapi.json", "/fhir/v2/"} == set(told["paths"])
    assert {"ApiKey", "Bearer", "Basic"} == set(told["components"]["securitySchemes"])
