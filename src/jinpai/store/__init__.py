"""What people do, kept: reviews, appeals, accounts, and the log of every change.

One models file per subject; the verbs of a subject stand beside its models. Migrations are in
``migrations/``.
"""

from jinpai.store.base import Base, now
from jinpai.store.database import Store, open_store, store_url
from jinpai.store.events import Event, events_of, log_event

__all__ = ["Base", "Event", "Store", "events_of", "log_event", "now", "open_store", "store_url"]
