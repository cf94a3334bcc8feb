"""National files of the directory: MSSanté extraction, PS_LibreAcces, FINESS, hospital sites; read and written."""
