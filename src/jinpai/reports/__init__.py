"""The report of a period: one HTML file for people, one workbook for spreadsheets, same numbers."""

from __future__ import annotations

from jinpai.reports.model import Report
from jinpai.reports.page import render_page
from jinpai.reports.workbook import write_workbook

__all__ = ["Report", "render_page", "write_workbook"]
