"""Reviews of a workspace's findings: the findings of its lake, and what people say in its store.

`desk.Desk` has the verbs; the command line and the web call it.
"""

from jinpai.review.desk import Desk, open_desk

__all__ = ["Desk", "open_desk"]
