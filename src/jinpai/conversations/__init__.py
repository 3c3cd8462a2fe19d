"""Threads, sessions, rounds and receptions (definitions, section 3)."""

from jinpai.conversations.steps import RESULTS, conversation_steps

__all__ = ["RESULTS", "conversation_steps"]
