"""The built wheels in fresh environments run an old script from a plain file; part of `make test-long`."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import LONG, REPOSITORY

pytestmark = pytest.mark.skipif(not LONG, reason="builds wheels and installs them: `make test-long`")

UV = str(REPOSITORY / "scripts" / "uv")
SCRIPT = """\
import json
import sys

import descarteslabs as dl
from descarteslabs.catalog import Product as P1
from earthdaily.earthone.catalog import Product as P2
from descarteslabs.workflows import ImageCollection

assert P1 is P2
aoi = json.loads(sys.argv[1])
scenes, ctx = dl.scenes.search(aoi, products=sys.argv[2], start_datetime="2019-06-01", limit=10)
days = [(day, len(group)) for day, group in scenes.groupby("properties.date.day")]
arr = scenes.mosaic("red green", ctx.assign(resolution=60))
print(json.dumps({
    "version": dl.__version__, "org": dl.Auth().payload["org"], "days": days, "shape": arr.shape,
    "max": int(arr.max()),
}))
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    run(UV, "build", "--all-packages", "--wheel", "--out-dir", folder, cwd=REPOSITORY)
    return folder


def interpreter(version):
    """Return the path of an interpreter of this version on this machine, or skip the test."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = shutil.which(f"python{version}") if not pyenv else str(pyenv[-1])
    if found is None or subprocess.run([found, "-c", ""], check=False, timeout=60).returncode:
        pytest.skip(f"Python {version} is not on this machine")
    return found


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_an_old_script_runs_on_the_installed_wheels(version, wheels, stack, product, area, tmp_path):
    python = tmp_path / "environment" / "bin" / "python"
    chosen = interpreter(version)
    # The kernels have a wheel for Python 3.11, and one for all later versions.
    kernels = ("build", "--package", "landbridge-kernels", "--wheel", "--python", chosen)
    run(UV, *kernels, "--out-dir", wheels, cwd=REPOSITORY)
    run(UV, "venv", "--python", chosen, tmp_path / "environment")
    run(UV, "pip", "install", "--python", python, "--find-links", wheels, "landbridge-descarteslabs==0.1.0")
    script = tmp_path / "old_script.py"
    script.write_text(SCRIPT)
    # No variable of this process but the service's address: above all no path of the checkout.
    environment = {
        "HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANDBRIDGE_URL": stack.url,
        "LANDBRIDGE_TOKEN": stack.token,
    }  # fmt: skip
    done = run(python, script, json.dumps(area), product, cwd=tmp_path, env=environment)
    found = json.loads(done.stdout)
    assert found["version"] == "4.0.0+landbridge.0.1.0"
    assert found["org"] == "local"
    assert found["days"] == [[3, 2], [8, 2]]
    assert found["shape"][0] == 2
    assert found["max"] == 401
    assert "old_script.py:11: DeprecationWarning: scenes.search is deprecated" in done.stderr
    # Beside the client's own distribution it says what to do.
    packages = next((tmp_path / "environment" / "lib").glob("python*/site-packages"))
    information = packages / "descarteslabs-4.0.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: descarteslabs\nVersion: 4.0.0\n")
    refused = subprocess.run(
        [python, script], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert "pip uninstall descarteslabs landbridge-descarteslabs" in refused.stderr
