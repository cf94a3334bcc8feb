"""Stores to copy from and to."""

from places import postgresql, s3, stores

__all__ = ["postgresql", "s3", "stores"]
