"""docker-compose.yml, the Dockerfile and the Caddyfile, checked by the programs that read them."""

import contextlib
import os
import re
import stat
import subprocess
import sys

import httpx
import pytest
import yaml

from deploy import compose_file
from deploy.compose_file import FOLDER, PROGRAMS, ROOT
from landbridge.stac_api.core.secret_files import FOREIGN_SECRETS
from landbridge.stac_api.core.settings import GROUPS, PREFIX
from support.s3_server import free_ports
from support.wait import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the packages of Caddy are for Linux")

SETTINGS = {f"{PREFIX}{name.upper()}" for group in GROUPS for name in group.model_fields}
STORE_VARIABLES = {"AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP", "AWS_REGION", *FOREIGN_SECRETS}


@pytest.fixture(scope="module")
def services():
    return compose_file.services()


def run(program, *arguments, **environment):
    command = [str(PROGRAMS / program), *map(str, arguments)]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_images_are_pinned_by_version(services):
    images = {name: service["image"] for name, service in services.items()}
    base = re.search(r"^ARG PYTHON=(.*)$", (ROOT / "stac_api/Dockerfile").read_text(), re.MULTILINE)
    for image in (*images.values(), base[1]):
        assert re.search(r":\d+[.\d-]+", image), image
        assert "latest" not in image


def test_every_service_starts_again_and_rotates_its_logs(services):
    ends = {"migrate", "store-setup"}
    for name, service in services.items():
        assert service["restart"] == ("on-failure" if name in ends else "unless-stopped"), name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_services_wait_for_those_that_they_need(services):
    conditions = {
        (name, other): need["condition"].removeprefix("service_")
        for name, service in services.items()
        for other, need in (service.get("depends_on") or {}).items()
    }
    assert conditions == {
        ("migrate", "db"): "healthy",
        ("store", "db"): "healthy",
        ("store-setup", "store"): "healthy",
        ("api", "migrate"): "completed_successfully",
        ("api", "store-setup"): "completed_successfully",
        ("worker", "migrate"): "completed_successfully",
        ("worker", "store-setup"): "completed_successfully",
        ("proxy", "api"): "healthy",
        ("proxy", "store"): "healthy",
    }
    awaited = {other for (_, other), condition in conditions.items() if condition == "healthy"}
    # That of the API is in its image.
    assert awaited - {"api"} <= {name for name, service in services.items() if "healthcheck" in service}


def test_only_the_proxy_has_ports(services):
    assert [name for name, service in services.items() if service.get("ports")] == ["proxy"]


@pytest.mark.parametrize("name", ["api", "worker", "migrate"])
def test_servers_get_known_settings_and_secrets_by_files(services, name):
    service = services[name]
    assert service["read_only"]
    variables = {variable.removesuffix("_FILE") for variable in service["environment"]}
    assert variables <= SETTINGS | STORE_VARIABLES
    given = {f"/run/secrets/{secret['source']}" for secret in service["secrets"]}
    files = {value for variable, value in service["environment"].items() if variable.endswith("_FILE")}
    assert files == given


def test_services_get_no_secret_that_they_do_not_need(services):
    assert {
        name: sorted(secret["source"] for secret in service.get("secrets") or ())
        for name, service in services.items()
        if name not in ("api", "worker", "migrate")
    } == {
        "proxy": [],
        "db": ["database_password", "postgres_password", "store_database_password"],
        "store": ["store_database_password", "store_key"],
        "store-setup": [],
        "browser": [],
    }


def test_secrets_are_made_once_for_their_owner(tmp_path):
    folder = tmp_path / "secrets"

    def make():
        subprocess.run([FOLDER / "make-secrets", folder], check=True, capture_output=True)
        return {path.name: path.read_text() for path in folder.iterdir()}

    made = make()
    assert set(made) == set(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["secrets"])
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in made.values())
    assert len(set(made.values())) == len(made)
    assert make() == made
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_dockerfile_has_no_finding():
    run("hadolint", "--failure-threshold", "style", ROOT / "stac_api/Dockerfile")


@pytest.mark.parametrize("tls", ["tls internal", " "], ids=["own authority", "public certificates"])
def test_the_proxys_configuration_is_valid(services, tmp_path, tls):
    environment = {**services["proxy"]["environment"], "CADDY_TLS": tls, "XDG_DATA_HOME": str(tmp_path)}
    said = run("caddy", "validate", "--config", FOLDER / "Caddyfile", "--adapter", "caddyfile", **environment)
    assert "Valid configuration" in said
    assert '"level":"warn"' not in said.replace("admin endpoint disabled", "")


def test_no_log_of_the_proxy_has_a_signature(services, tmp_path):
    port = free_ports()
    environment = {
        **os.environ,
        **services["proxy"]["environment"],
        "LANDBRIDGE_SITE": f"http://127.0.0.1:{port}",
        "BROWSER_SITE": f"http://127.0.0.1:{port + 1}",
        "HEALTH_SITE": f"http://127.0.0.1:{port + 2}",
        "CADDY_TLS": " ",
        "CADDY_OPTIONS": " ",
        "API_UPSTREAMS": f"to 127.0.0.1:{port + 2}",
        "STORE_UPSTREAMS": f"to 127.0.0.1:{port + 3}",
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    command = [PROGRAMS / "caddy", "run", "--config", FOLDER / "Caddyfile", "--adapter", "caddyfile"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as proxy:
        try:

            def answers():
                assert proxy.poll() is None
                with contextlib.suppress(httpx.TransportError):
                    return httpx.get(f"http://127.0.0.1:{port + 2}").text == "running"
                return False

            wait_until(answers)
            for path, status in {
                "/landbridge/a?X-Amz-Signature=s3cr3t": 502,
                "/a?signature=s3cr3t": 200,
            }.items():
                assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == status
        finally:
            proxy.terminate()
        said = proxy.stderr.read()
    assert "http.log.access" in said
    assert "http.log.error" in said
    assert "REDACTED" in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_valid(script):
    shell = script.read_text().partition("\n")[0].removeprefix("#!")
    subprocess.run([shell, "-n", script], check=True)
    assert os.access(script, os.X_OK)
