"""FHIR R4 of the national directory: resources, search parameters, FHIR Patch; pure code, no I/O."""
