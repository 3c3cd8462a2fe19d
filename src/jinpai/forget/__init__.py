"""Forgetting a buyer: what the workspace knows of one person, made nobody's, everywhere at once.

``known.py`` remembers who was forgotten without knowing who it was, ``rows.py`` says what of a row
is personal, ``incoming.py`` keeps later imports from bringing it back, ``lake.py`` writes the
tables anew and deletes old files, ``erase.py`` puts all of it together.
"""
