"""A whole trust space in one process tree."""
