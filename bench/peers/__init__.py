"""The servers that are measured: each is started from nothing in a private folder and stopped again."""
