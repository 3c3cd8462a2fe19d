"""Work in the background: imports, runs, inspection and reports, one at a time.

`queue.Queue` is asked by the web and the command line; `worker.Worker` does the work in a process
of its own, so that pages stay quick; `work` says what each kind of job does. What was asked for is
kept in the store (`store.jobs`) and survives both.
"""

from jinpai.jobs.queue import Queue

__all__ = ["Queue"]
