"""What ships: examples that hold, and schemas that say what the models take."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from jinpai.errors import UsageError
from jinpai.scoring import default_policy, lint, load_plan, load_policy
from jinpai.scoring.examples import EXAMPLES, example_text, write_example
from jinpai.scoring.schema import FILES, schema_of, schema_text

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.usefixtures("shipped_rules")
@pytest.mark.parametrize("what", ["plan", "grades"])
def test_the_published_schemas_are_current(what: Any) -> None:
    assert (DOCS / FILES[what]).read_text("utf-8") == schema_text(what), (
        "run: python -m jinpai.scoring.schema docs"
    )


def test_the_starter_plan_is_clean() -> None:
    plan = load_plan(example_text("starter"))
    assert lint(plan) == []
    assert plan.variants
    assert plan.pay


def test_the_shipped_policy_loads() -> None:
    assert load_policy(example_text("gold-agent")).metrics == default_policy().metrics


def keys(schema: dict[str, Any], part: dict[str, Any], data: Any) -> None:
    """Check that a document has only keys that the schema knows, and all that it needs."""
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    if isinstance(data, list):
        for one in data:
            keys(schema, part["items"], one)
    elif isinstance(data, dict):
        choices = [one for one in part.get("anyOf", [part]) if one != {"type": "null"}]
        (part,) = [
            schema["$defs"][c["$ref"].rpartition("/")[2]] if "$ref" in c else c for c in choices
        ]
        assert set(part.get("required", ())) <= set(data) <= set(part["properties"])
        for key, value in data.items():
            keys(schema, part["properties"][key], value)
    elif "pattern" in part:
        assert re.search(part["pattern"], str(data)), (part["pattern"], data)
    elif "anyOf" in part and all("const" in one for one in part["anyOf"]):
        assert data in [one["const"] for one in part["anyOf"]]


@pytest.mark.parametrize("name", [name for name, (_, what) in EXAMPLES.items() if what])
def test_examples_fit_their_schema(name: str) -> None:
    what = EXAMPLES[name][1]
    assert what is not None
    schema = schema_of(what)
    keys(schema, schema, yaml.safe_load(example_text(name)))


def test_editors_find_the_schema_beside_an_example(tmp_path: Path) -> None:
    plan, schema = write_example("starter", tmp_path / "mine.yaml")
    named = re.search(r"yaml-language-server: \$schema=(\S+)", plan.read_text("utf-8"))
    assert named is not None
    assert tmp_path / named[1] == schema
    assert json.loads(schema.read_text("utf-8"))["title"] == "Plan"
    with pytest.raises(UsageError, match="exists"):
        write_example("starter", plan)


def test_in_the_repository_the_schema_line_leads_to_docs() -> None:
    folder = Path(load_plan.__code__.co_filename).parent / "plans"
    for path in sorted(folder.glob("*.yaml")):
        named = re.search(r"\$schema=(\S+)", path.read_text("utf-8"))
        assert named is not None
        assert (folder / named[1]).resolve() in {DOCS / file for file in FILES.values()}
