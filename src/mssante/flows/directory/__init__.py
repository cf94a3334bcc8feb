"""The directory: searched, selected from, changed, imported, compared."""
