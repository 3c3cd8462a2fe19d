"""What a person may see of the shop's people: an agent themself, a supervisor the own teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinpai.store.people import User
from jinpai.web.errors import NotFound

__all__ = ["Sight"]


@dataclass(frozen=True)
class Sight:
    """One person's view of the roster of one shop.

    Attributes:
        roster: agent_id -> name, team, role.
    """

    user: User
    roster: Mapping[str, Mapping[str, Any]]

    @property
    def sees_all(self) -> bool:
        """Whether everybody's figures and names are shown."""
        return self.user.role in ("owner", "inspector", "readonly")

    def sees_agent(self, agent_id: str | None) -> bool:
        """Tell whether an agent's own figures and conversations may be seen.

        The unassigned (None) belong to nobody: those who see all see them.
        """
        if self.sees_all:
            return True
        if agent_id is None:
            return False
        if self.user.role == "agent":
            return agent_id == self.user.agent_id
        return self.sees_team(self.roster.get(agent_id, {}).get("team"))

    def sees_team(self, team: str | None) -> bool:
        """Tell whether a team's agents may be seen by name."""
        return self.sees_all or (self.user.role == "supervisor" and team in self.user.teams)

    def need_agent(self, agent_id: str | None) -> None:
        """Raise NotFound for an agent one may not know of, just as for one there is not."""
        if not self.sees_agent(agent_id):
            raise NotFound

    def listed(self, asked: str | None) -> list[str] | None:
        """Return whose rows a list shows; None is everybody's, nobody's too.

        ``asked`` names one agent. An agent whom the roster does not know still sees the own rows.
        Raises NotFound as `need_agent`.
        """
        if asked:
            self.need_agent(asked)
            return [asked]
        if self.sees_all:
            return None
        mine = [one for one in self.roster if self.sees_agent(one)]
        return mine or [self.user.agent_id or ""]

    def name(self, agent_id: str | None) -> str:
        """Return what an agent is called; the id where the roster has no name of its own."""
        if agent_id is None:
            return ""
        return str(self.roster.get(agent_id, {}).get("name") or agent_id)
