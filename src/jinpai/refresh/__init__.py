"""Refresh: what changed since the last good run, and only that computed again."""
