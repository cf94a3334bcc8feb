"""CDA R2 documents: read, shown as safe HTML, written at level 1, named."""
