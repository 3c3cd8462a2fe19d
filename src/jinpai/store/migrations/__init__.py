"""The store's migrations: one linear chain, run when a store is opened (see `upgrade`).

A new one is a file ``vNNNN_what.py`` whose ``down_revision`` is the head before it. It never
imports a model: models change, a migration does not.
"""
