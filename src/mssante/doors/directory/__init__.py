"""The directory over HTTPS: FHIR R4 under /fhir/v2, a search for software under /api/v1/directory."""
