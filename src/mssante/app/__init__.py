"""Configuration, composition, command line, sandbox; the only room that reads environment and clock."""
