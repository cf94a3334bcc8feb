"""Moves everything of a store to another one, of whatever engine, while the first goes on working."""
