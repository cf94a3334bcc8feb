"""Keys of the directory's door, and a patch that publishes a mailbox."""

import hashlib
from pathlib import Path

from mssante.app.directory import KeyEntry, add_key

KEY = "cle-du-chu"
EXTENSION = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"


def written(folder: Path) -> Path:
    """Write a file with the key of an operator and one of a reader; return it."""
    file = folder / "cles.toml"
    add_key(file, KeyEntry("CHU", hashlib.sha256(KEY.encode()).hexdigest(), "chu"))
    add_key(file, KeyEntry("Lecteur", hashlib.sha256(b"lecteur").hexdigest()))
    return file


def patch_of(address: str) -> dict[str, object]:
    """Return the insertion of a mailbox of a structure, as FHIR Patch."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "insert"},
                    {"name": "path", "valueString": "Organization.telecom"},
                    {"name": "index", "valueInteger": 0},
                    {
                        "name": "value",
                        "valueContactPoint": {
                            "system": "email",
                            "value": address,
                            "extension": [
                                {
                                    "url": EXTENSION,
                                    "extension": [
                                        {"url": "type", "valueCode": "ORG"},
                                        {"url": "service", "valueString": "Pharmacie"},
                                    ],
                                }
                            ],
                        },
                    },
                ],
            }
        ],
    }
