"""Canonical tables: their schema, the lake that holds them, and loading into it."""
