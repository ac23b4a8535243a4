"""Settings and secrets in files, as containers get them."""

import pytest

from landbridge.stac_api.core.secret_files import read_secret_files
from landbridge.stac_api.core.settings import Settings


def test_a_variable_takes_the_content_of_its_file(tmp_path):
    (tmp_path / "token").write_text("s3cr3t\n")
    (tmp_path / "password").write_text(" two words \r\n")
    environment = {
        "LANDBRIDGE_TOKEN_FILE": str(tmp_path / "token"),
        "PGPASSWORD_FILE": str(tmp_path / "password"),
        "AWS_SECRET_ACCESS_KEY_FILE": "",
    }
    read_secret_files(environment)
    expected = {"LANDBRIDGE_TOKEN": "s3cr3t", "PGPASSWORD": " two words ", "AWS_SECRET_ACCESS_KEY_FILE": ""}
    assert environment == expected
    read_secret_files(environment)
    assert environment == expected


def test_settings_that_are_files_themselves_keep_their_variable(tmp_path):
    environment = {"LANDBRIDGE_ORGANIZATIONS_FILE": str(tmp_path / "missing"), "HOME_FILE": "/nowhere"}
    kept = dict(environment)
    read_secret_files(environment)
    assert environment == kept


@pytest.mark.parametrize(
    ("content", "more", "problem"),
    [
        (None, {}, r"LANDBRIDGE_TOKEN_FILE, .*token, cannot be read: No such file"),
        (b"", {}, r"LANDBRIDGE_TOKEN_FILE, .*token, is empty"),
        (b"\n", {}, r"LANDBRIDGE_TOKEN_FILE, .*token, is empty"),
        (b"\xff", {}, r"LANDBRIDGE_TOKEN_FILE, .*token, cannot be read: it is not UTF-8"),
        (b"good", {"LANDBRIDGE_TOKEN": "other"}, r"Both LANDBRIDGE_TOKEN and LANDBRIDGE_TOKEN_FILE are set"),
    ],
)
def test_a_file_that_gives_no_secret_is_named(tmp_path, content, more, problem):
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    environment = {"LANDBRIDGE_TOKEN_FILE": str(tmp_path / "token"), **more}
    with pytest.raises(ValueError, match=problem) as caught:
        read_secret_files(environment)
    assert not any(secret in str(caught.value) for secret in ("good", "other"))


def test_the_server_reads_all_its_settings_from_files(tmp_path, monkeypatch):
    for name, value in {
        "LANDBRIDGE_DATABASE_URL": "postgresql://me@db/landbridge",
        "LANDBRIDGE_STORE_URL": "s3://landbridge",
        "LANDBRIDGE_TOKEN": "s3cr3t",
        "LANDBRIDGE_OIDC_ISSUERS": "https://a.example.org,https://b.example.org",
        "LANDBRIDGE_OIDC_AUDIENCE": "catalog",
    }.items():
        (tmp_path / name).write_text(value)
        monkeypatch.setenv(name, "")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    read_secret_files()
    found = Settings()
    assert found.database_url == "postgresql://me@db/landbridge"
    assert found.token.get_secret_value() == "s3cr3t"
    assert found.oidc_issuers == ("https://a.example.org", "https://b.example.org")
