"""The audit log: who did what to which id, in rows that are only ever added."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from access.conftest import ANN, OPERATOR
from integration.conftest import stac_collection, stac_item
from landbridge.mappings import ids
from landbridge.stac_api.__main__ import main
from landbridge.stac_api.access import audit, tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from access.conftest import Service
    from landbridge.stac_api.access.audit import Entry


@pytest.fixture
def entry(database: str) -> Callable[[httpx.Response], Entry | None]:
    """Return the audit entry of the request that led to a response."""

    def find(answer: httpx.Response) -> Entry | None:
        mine = uuid.UUID(answer.headers["X-Request-Id"])
        entries = audit.find_entries(database, since=datetime.now(UTC) - timedelta(minutes=5), limit=10_000)
        found = [one for one in entries if one.request_id == mine]
        assert len(found) <= 1
        return found[0] if found else None

    return find


def fresh(org: str = "acme") -> str:
    return f"{org}:{uuid.uuid4().hex[:8]}"


def test_a_write_is_recorded_with_its_caller_and_targets(
    service: Service, token: Callable[..., str], entry: Callable[[httpx.Response], Entry | None]
) -> None:
    shown, name = token(), fresh()
    answer = service.request("POST", "/collections", shown, json=stac_collection(name))
    assert answer.status_code == 201
    found = entry(answer)
    assert found is not None
    assert (found.username, found.org, found.credential) == ("ann", "acme", f"token:{tokens.id_of(shown)}")
    assert (found.method, found.action, found.targets) == ("POST", "/collections", [name])
    assert (found.status, found.address) == (201, "192.0.2.1")
    assert abs(found.time - datetime.now(UTC)) < timedelta(minutes=1)


def test_ids_are_those_that_users_know(
    service: Service, entry: Callable[[httpx.Response], Entry | None]
) -> None:
    name = fresh()

    def targets(method: str, path: str, **options: Any) -> list[str]:
        answer = service.request(method, path, OPERATOR, **options)
        assert answer.is_success, answer.text
        found = entry(answer)
        assert found is not None
        return found.targets

    assert targets("POST", "/collections", json=stac_collection(name)) == [name]
    items = f"/collections/{name}/items"
    assert targets("POST", items, json=stac_item(name, "a")) == [name, f"{name}:a"]
    assert targets("PATCH", f"{items}/a", json={"properties": {"title": "x"}}) == [f"{name}:a"]
    bulk = {"items": {n: stac_item(name, n) for n in ("b", "c")}}
    assert targets("POST", f"/collections/{name}/bulk_items", json=bulk) == [name, f"{name}:b", f"{name}:c"]
    assert targets("DELETE", f"{items}/a") == [f"{name}:a"]

    announced = {"item": stac_item(name, "d"), "files": [{"name": "d.tif", "size": 3}]}
    image, upload = targets("POST", "/uploads", json=announced)
    assert image == f"{name}:d"
    assert upload.startswith("upload ")
    number = upload.removeprefix("upload ")
    assert targets("PUT", f"/uploads/{number}/files/0", content=b"abc") == [upload, image]
    assert targets("POST", f"/uploads/{number}/cancel") == [upload, image]

    item = stac_item("blobs:data", ids.blob_item_id("acme", name))
    item["properties"] |= {"catalog:namespace": "acme", "catalog:name": name}
    blob, upload = targets("POST", "/blobs", json={"item": item})
    assert blob == f"data/acme/{name}"
    where = f"/blobs/uploads/{upload.removeprefix('upload ')}"
    assert targets("PUT", where, content=b"abc") == [upload, blob]
    assert targets("DELETE", f"/collections/blobs:data/items/{item['id']}") == [blob]
    assert blob in targets("POST", "/blobs/deletions", json={"ids": [blob]})


def test_what_is_refused_is_recorded_too(
    service: Service, token: Callable[..., str], entry: Callable[[httpx.Response], Entry | None]
) -> None:
    reader = token(replace(ANN, rights=frozenset({"read"})))
    for shown, who, status in ((None, "anonymous", 401), ("guess", "anonymous", 401), (reader, "ann", 403)):
        found = entry(service.request("DELETE", "/collections/acme:x/items/y", shown))
        assert found is not None
        assert (found.username, found.status, found.targets) == (who, status, ["acme:x:y"])
        assert found.action == "/collections/{collection_id}/items/{item_id}"


def test_a_refused_read_is_recorded_and_others_are_not(
    service: Service, entry: Callable[[httpx.Response], Entry | None]
) -> None:
    found = entry(service.request("GET", "/collections/acme:x", "guess"))
    assert found is not None
    assert (found.method, found.status, found.targets) == ("GET", 401, ["acme:x"])
    for method, path in (("GET", "/"), ("GET", "/collections/acme:none"), ("POST", "/search")):
        answer = service.request(method, path, **({"json": {}} if method == "POST" else {}))
        assert entry(answer) is None


def test_a_write_that_fails_is_recorded(
    service: Service, entry: Callable[[httpx.Response], Entry | None]
) -> None:
    for path, content, status in (
        ("/collections", b"no JSON", 400),
        ("/collections/acme:none/items", json.dumps(stac_item("acme:none", "a")).encode(), 404),
        ("/no/route\x00", b"", 404),
    ):
        found = entry(service.request("POST", path.replace("\x00", "%00"), OPERATOR, content=content))
        assert found is not None
        assert found.status == status


@pytest.mark.parametrize("character", ["x", "\U0001f6f0", "%00"])
def test_no_name_is_too_long_to_be_recorded(
    service: Service, database: str, entry: Callable[[httpx.Response], Entry | None], character: str
) -> None:
    name = f"acme:{character * 5000}"
    answer = service.request("DELETE", f"/collections/{name}", OPERATOR)
    assert not answer.is_success
    found = entry(answer)
    assert found is not None
    assert found.targets[0].startswith("acme:")
    assert found in audit.find_entries(database, target=name.replace("%00", "\x00"), limit=1000)


def test_a_write_that_makes_the_server_fail_is_recorded(
    service: Service, database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("landbridge.stac_api.pgstac.writes.create_collection", broken)
    name = fresh()
    with pytest.raises(ZeroDivisionError):  # the transport of tests hands it on
        service.request("POST", "/collections", OPERATOR, json=stac_collection(name))
    (found,) = audit.find_entries(database, target=name, limit=10)
    assert found.status == 500
    (logged,) = [record.getMessage() for record in caplog.records if record.exc_info]
    assert str(found.request_id) in logged


def test_the_caller_of_a_signed_url_has_no_user(
    service: Service, entry: Callable[[httpx.Response], Entry | None]
) -> None:
    name = fresh()
    service.request("POST", "/collections", OPERATOR, json=stac_collection(name)).raise_for_status()
    announced = {"item": stac_item(name, "d"), "files": [{"name": "d.tif", "size": 3}]}
    url = service.request("POST", "/uploads", OPERATOR, json=announced).json()["resumable_urls"][0]
    answer = service.request("PUT", url, content=b"abc")
    assert answer.status_code == 204
    found = entry(answer)
    assert found is not None
    assert (found.username, found.credential) == ("anonymous", "signed url")
    assert f"{name}:d" in found.targets


def test_no_secret_gets_into_it(
    service: Service, database: str, token: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = token()
    upload = f"/blobs/uploads/{uuid.uuid4()}"
    service.request("PUT", f"{upload}?expires=99&signature=abcdef", content=b"")
    service.request("PUT", upload, shown, content=b"")
    service.request("DELETE", "/collections/acme:x", "a guess of a secret")
    with psycopg.connect(database) as conn:
        stored = "\n".join(row for (row,) in conn.execute("SELECT a::text FROM landbridge.audit a"))
    for text in (stored, capsys.readouterr().out):
        assert upload.rpartition("/")[2] in text
        for secret in ("abcdef", "signature", shown, shown.split("_", 2)[2], "a guess", OPERATOR):
            assert secret not in text


def test_records_are_printed_as_json_lines(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    name = fresh()
    service.request("POST", "/collections", OPERATOR, json=stac_collection(name)).raise_for_status()
    items = {f"i{n}": stac_item(name, f"i{n}") for n in range(150)}
    capsys.readouterr()
    service.request("POST", f"/collections/{name}/bulk_items", OPERATOR, json={"items": items})
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["event"], line["username"], line["status"]) == ("audit", "local", 200)
    assert len(line["targets"]) == 100
    assert line["more_targets"] == 51


def test_records_are_not_printed_if_it_is_switched_off(
    serve: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(audit_stdout=False) as service:
        service.request("DELETE", "/collections/acme:x", OPERATOR)
    assert capsys.readouterr().out == ""


def test_what_the_database_does_not_take_is_in_the_log(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audit, "_INSERT", "INSERT INTO landbridge.nowhere VALUES ($1)")
    answer = service.request("DELETE", "/collections/acme:x", OPERATOR)
    assert answer.status_code == 404
    (record,) = [record for record in caplog.records if record.name == audit.__name__]
    assert '"targets": ["acme:x"]' in record.getMessage()


_REPLACED = (
    "INSERT INTO landbridge.audit OVERRIDING SYSTEM VALUE SELECT * FROM landbridge.audit "
    "ON CONFLICT (id) DO UPDATE SET username = 'nobody'"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE landbridge.audit SET username = 'nobody'",
        "DELETE FROM landbridge.audit",
        "DELETE FROM landbridge.audit WHERE false",
        "TRUNCATE landbridge.audit",
        _REPLACED,
    ],
)
def test_rows_are_only_ever_added(service: Service, database: str, statement: str) -> None:
    service.request("DELETE", "/collections/acme:x", OPERATOR)
    with (
        psycopg.connect(database) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="added"),
    ):
        conn.execute(statement.encode())


def test_the_command_shows_what_was_asked_for(
    service: Service,
    database: str,
    token: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", database)
    monkeypatch.setenv("LANDBRIDGE_STORE_URL", tmp_path.as_uri())
    user, name = uuid.uuid4().hex, fresh()
    shown = token(replace(ANN, user=user))
    service.request("POST", "/collections", shown, json=stac_collection(name))
    service.request("DELETE", f"/collections/{name}", OPERATOR)

    def printed(*arguments: str) -> list[str]:
        capsys.readouterr()
        assert main(["audit", *arguments]) == 0
        return capsys.readouterr().out.splitlines()

    by_user = printed("--user", user)
    assert by_user[0].split() == ["TIME", "USER", "ORG", "STATUS", "METHOD", "ACTION", "TARGETS"]
    assert [line.split()[1:] for line in by_user[1:]] == [[user, "acme", "201", "POST", "/collections", name]]
    documents = [json.loads(line) for line in printed("--target", name, "--json")]
    assert [one["method"] for one in documents] == ["POST", "DELETE"]
    assert documents[0]["time"] < documents[1]["time"]
    assert [json.loads(line)["method"] for line in printed("--target", name, "--json", "--limit", "1")] == [
        "DELETE"
    ]
    assert len(printed("--target", name, "--since", "1h")) == 3
    assert len(printed("--target", name, "--since", "2999-01-01")) == 1
    assert len(printed("--target", name, "--since", datetime.now(UTC).isoformat())) == 1


@pytest.mark.parametrize(
    "arguments", [("--since", "yesterday"), ("--since", "9" * 30 + "d"), ("--limit", "x")]
)
def test_unreadable_arguments_are_explained(
    arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["audit", *arguments])
    assert arguments[1] in capsys.readouterr().err
