"""`sql/schema.md` and `sql/functions` show the schema that a fresh database has."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import psycopg

from landbridge.stac_api.pgstac.describe_schema import describe, page

FUNCTIONS = resources.files("landbridge.stac_api.pgstac") / "sql" / "functions"


def test_the_page_of_tables_is_current(stack: Any) -> None:
    with psycopg.connect(stack.database) as conn:
        assert describe(conn) == page()


def test_each_function_and_trigger_of_the_database_is_defined_once_in_the_scripts(stack: Any) -> None:
    text = "\n".join(entry.read_text("utf-8") for entry in FUNCTIONS.iterdir())
    with psycopg.connect(stack.database, options="-c search_path=public") as conn:
        # Extensions, and pgstac's migration, create objects in the schema that has the role's name.
        functions = conn.execute(
            "SELECT proname FROM pg_proc p WHERE pronamespace = 'landbridge'::regnamespace AND NOT EXISTS ("
            "SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        ).fetchall()
        triggers = conn.execute(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE pronamespace = 'landbridge'::regnamespace AND t.tgparentid = 0"
        ).fetchall()
    names = sorted(name for (name,) in functions if not name.startswith("pgstac_"))
    assert names == sorted(re.findall(r"CREATE OR REPLACE FUNCTION landbridge\.(\w+)", text))
    defined = re.findall(r"CREATE OR REPLACE TRIGGER (\w+)[^;]*? ON ([\w.]+)\s", text)
    assert sorted(triggers) == sorted(defined)
