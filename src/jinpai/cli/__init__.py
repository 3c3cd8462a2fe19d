"""The command line. ``jinpai --help`` explains it; every command is a thin word over the API."""

from jinpai.cli.edge import main

__all__ = ["main"]
