"""Benchmarks: our servers against the free ones of Debian, on one machine, in turn; they report ratios."""
