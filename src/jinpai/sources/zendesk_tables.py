"""Tables of Zendesk copied to CSV or workbooks, told apart by their columns."""

from __future__ import annotations

from collections.abc import Mapping

from jinpai.sources.files import Grid, Header, find_header

__all__ = ["OTHER_TABLES", "TABLES", "table_of"]

# The columns that name a table; the reader uses these. Copies often leave columns out, so a table
# is known by as few as tell it apart.
TABLES: Mapping[str, tuple[str, ...]] = {
    "comment": ("ticket_id", "public"),
    "field_history": ("ticket_id", "field_name", "updated", "value"),
    "chat_event": ("chat_id", "actor_id"),
    "chat": ("chat_id", "ticket_id"),
    "schedule": ("start_time", "end_time", "time_zone"),
    "schedule_holiday": ("schedule_id", "start_date", "end_date"),
    "ticket": ("id", "requester_id", "created_at"),
    "user": ("id", "role"),
}

# Known as Zendesk's, but without anything the canonical tables hold.
OTHER_TABLES: Mapping[str, tuple[str, ...]] = {
    "audit_log": ("actor_id", "change_description", "source_type"),
    "brand": ("brand_url", "has_help_center", "subdomain"),
    "daylight_time": ("time_zone", "daylight_offset", "daylight_start_utc"),
    "domain_name": ("organization_id", "domain_name", "_fivetran_synced"),
    "group": ("id", "_fivetran_deleted", "created_at", "name", "updated_at", "url"),
    "organization": ("shared_comments", "shared_tickets"),
    "organization_tag": ("organization_id", "tag", "_fivetran_synced"),
    "satisfaction_rating": ("ticket_id", "score", "requester_id"),
    "sla_policy_metric_history": ("sla_policy_id", "metric", "target"),
    "ticket_form_history": ("display_name", "end_user_visible"),
    "ticket_metric": ("ticket_id", "reopens", "replies"),
    "ticket_schedule": ("ticket_id", "schedule_id"),
    "ticket_sla_policy": ("ticket_id", "sla_policy_id"),
    "ticket_tag": ("ticket_id", "tag"),
    "time_zone": ("time_zone", "standard_offset"),
    "user_tag": ("user_id", "tag", "_fivetran_synced"),
}


_RATING = "satisfaction_rating"  # looks like a ticket too, so it is asked first
_NOT_ZENDESK = frozenset({"workspace_id", "_fivetran_active"})  # Intercom's copies have these


def table_of(grid: Grid) -> tuple[str, Header] | None:
    """Return (name, header) of the Zendesk table a grid holds, by its columns; None for others."""
    for name, columns in ((_RATING, OTHER_TABLES[_RATING]), *TABLES.items(), *OTHER_TABLES.items()):
        header = find_header(grid, columns, least=len(columns))
        if header is not None and not _NOT_ZENDESK.intersection(header.names):
            return name, header
    return None
