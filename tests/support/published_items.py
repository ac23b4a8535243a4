"""Items that providers publish, as they are."""

import json
from functools import cache
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MISSING = f"no documents of providers at {SHARED}"


@cache
def _texts() -> tuple[str, ...]:
    found = []
    for path in sorted((SHARED / "stac").glob("*item*json")):
        found += path.read_text().splitlines() if path.suffix == ".ndjson" else [path.read_text()]
    for path in sorted((SHARED / "sources" / "documents").rglob("*.json")):
        found += [json.dumps(entry["document"]) for entry in json.loads(path.read_text())["items"]]
    return tuple(found)


def published_items() -> list[dict[str, Any]]:
    """Return all Items, each as a document of its own."""
    return [json.loads(text) for text in _texts()]
