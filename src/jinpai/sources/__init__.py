"""Readers of the files shops really have; one file per platform. The first stage of the line."""
