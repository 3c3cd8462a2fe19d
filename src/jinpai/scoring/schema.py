"""The JSON schemas of plans and grade policies: made from the models that read them.

``python -m jinpai.scoring.schema docs`` writes docs/plan.schema.json and docs/grades.schema.json.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from jinpai.metrics.definition import registry
from jinpai.scoring.plan import Plan
from jinpai.scoring.policy import Policy

__all__ = ["FILES", "schema_of", "schema_text"]

FILES = {"plan": "plan.schema.json", "grades": "grades.schema.json"}
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(what: Literal["plan", "grades"]) -> dict[str, Any]:
    """Return the schema; metrics are listed with what they are in both languages."""
    model: type[BaseModel] = Plan if what == "plan" else Policy
    made = model.model_json_schema(by_alias=True)
    metrics = [one for one in registry().metrics if not one.shop_only and not one.classes]
    listed = {
        "type": "string",
        "description": "Code of a metric: see docs/metrics.md",
        "anyOf": [
            {"const": one.code, "title": f"{one.zh} · {one.en}", "description": one.text_en}
            for one in metrics
        ],
    }
    definitions = made["$defs"]
    for definition in (made, *definitions.values()):
        _describe(definition)
    definitions["Metric"] = listed
    holder = "Indicator" if what == "plan" else "Standard"
    definitions[holder]["properties"]["metric"] = {"$ref": "#/$defs/Metric"}
    return {"$schema": _DRAFT, **made}


def _describe(definition: dict[str, Any]) -> None:
    """Give each property what the model's text says of it; keep the rest of the text."""
    text, _, attributes = definition.get("description", "").partition("\n\nAttributes:\n")
    if not attributes:
        return
    definition["description"] = text
    for entry in re.split(r"\n    (?=\w)", "\n" + attributes.rstrip()):
        for part in re.split(r"(?<=\.) (?=\w+: )", " ".join(entry.split())):
            names, _, meaning = part.partition(": ")
            for name in names.split(", "):
                if name in definition["properties"]:
                    definition["properties"][name].setdefault("description", meaning)


def schema_text(what: Literal["plan", "grades"]) -> str:
    """Return the schema as its file holds it."""
    return json.dumps(schema_of(what), ensure_ascii=False, indent=1) + "\n"


def _write(folder: Path) -> None:
    (folder / FILES["plan"]).write_text(schema_text("plan"), "utf-8")
    (folder / FILES["grades"]).write_text(schema_text("grades"), "utf-8")


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
