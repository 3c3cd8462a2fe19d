"""Bringing a database to this version's tables, in one transaction."""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from jinpai.errors import WorkspaceError

__all__ = ["build", "head", "upgrade", "version_of"]

_FOLDER = Path(__file__).with_name("migrations")
_LOCK = 5_216_883_014  # ours among PostgreSQL's advisory locks


def scripts() -> ScriptDirectory:
    """Return the chain of migrations."""
    return ScriptDirectory(_FOLDER, version_locations=[_FOLDER])


def head() -> str:
    """Return the version this program's store has."""
    found = scripts().get_current_head()
    if found is None:
        raise WorkspaceError("The store's migrations are missing; install Jinpai again.")
    return found


def version_of(connection: Connection) -> str | None:
    """Return the version of a database; None of an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection) -> list[str]:
    """Run the migrations the database has not had, in the transaction of ``connection``.

    Returns their versions. Raises WorkspaceError for a database of a later version.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"select pg_advisory_xact_lock({_LOCK})"))
    chain = scripts()
    current = version_of(connection)
    if current is not None and current not in _known(chain):
        raise _later(current)
    return build(connection)


def build(connection: Connection, version: str = "head") -> list[str]:
    """Run the migrations up to a version, in the transaction of ``connection``.

    Returns their versions. Raises WorkspaceError for a version that is not known.
    """
    chain = scripts()
    context = MigrationContext.configure(connection)
    done = list[str]()
    if version != "head" and version not in _known(chain):
        raise _later(version)
    steps = list(chain.iterate_revisions(version, context.get_current_revision() or "base"))
    with Operations.context(context):
        for script in reversed(steps):
            script.module.upgrade()
            context.stamp(chain, script.revision)
            done.append(script.revision)
    return done


def _known(chain: ScriptDirectory) -> set[str]:
    return {script.revision for script in chain.walk_revisions()}


def _later(version: str) -> WorkspaceError:
    return WorkspaceError(
        f"The store has version {version}; this version of jinpai knows up to {head()}. "
        "Use the version that wrote it, or a later one.",
        zh=f"数据库的版本为 {version}，本版 jinpai 只认识到 {head()}；"
        "请使用写入它的版本或更新的版本。",
    )
