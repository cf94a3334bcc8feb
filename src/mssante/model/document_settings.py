"""Settings of health documents.

Source: see `mssante.model.settings`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DocumentSettings:
    """What messages with health documents say of this system, and what is checked in those of users.

    Attributes:
        product: reference number of this product given by the Convergence platform (X-MSS-NIL), like DEV935997; empty:
            the field is left out.
        source_id: OID of this system in the archives that it makes; empty: a number of ours for trials only.
        allow_test: identities of the national test domains (INS of test) count as qualified; for trials only.
        check_submitted: "refuse" refuses a submitted message whose archive is hostile or about several patients, "log"
            lets it pass and writes it down.
    """

    product: str = ""
    source_id: str = ""
    allow_test: bool = False
    check_submitted: str = "refuse"
