"""Certificates and revocation lists: read to facts, judge a chain."""
