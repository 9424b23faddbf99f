"""What the project says of itself: its metrics, the models that make their events, and the source tables of those."""

import csv

from targets import REPOSITORY

CATALOG = REPOSITORY / "seeds" / "metric_catalog.csv"


def catalog() -> list[dict[str, str]]:
    """The list of record: a row for each metric, those of an entity type together."""
    with CATALOG.open(newline="") as file:
        rows = list(csv.DictReader(file))
    entity_types = [row["entity_type"] for row in rows]
    return sorted(rows, key=lambda row: entity_types.index(row["entity_type"]))


def events_models(manifest: dict) -> list[dict]:
    """The models that say which events there are."""
    return [node for node in manifest["nodes"].values() if node["config"]["meta"].get("metrics")]


def events_model(row: dict[str, str]) -> str:
    """The unique id of the model that makes a metric's events, from its row of the catalog."""
    return f"model.entity_metrics.{row['events_model']}_events"


def reference(unique_id: str) -> str:
    """How Jinja refers to a model, a seed or a source table."""
    kind, _, *names = unique_id.split(".")
    return f"{'source' if kind == 'source' else 'ref'}({', '.join(map(repr, names))})"


def source_of(manifest: dict, unique_id: str) -> dict:
    """The source table that a staging model copies, or the source itself."""
    if staged := manifest["nodes"].get(unique_id):
        unique_id = staged["depends_on"]["nodes"][0]
    return manifest["sources"][unique_id]


def sources_of(manifest: dict, model: dict) -> dict[str, dict]:
    """The source tables that a model reads, through staging or itself, by their names in its compiled SQL."""
    sources = {}
    for unique_id in model["depends_on"]["nodes"]:
        read = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
        sources[read["relation_name"]] = source_of(manifest, unique_id)
    return sources
