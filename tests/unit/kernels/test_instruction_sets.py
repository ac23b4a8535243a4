"""The choice of the instruction set, and imports without the extension."""

import os
import subprocess
import sys

import pytest

from landbridge import kernels


def run_python(code, **environment):
    """Run code in a new process, and return the completed process."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_unknown_instruction_set_is_refused_and_the_known_ones_are_named():
    with pytest.raises(ValueError, match=r"'mmx' does not exist or is not supported.*: .*baseline"):
        kernels.use_instruction_set("mmx")


def test_the_environment_forces_an_instruction_set():
    assert run_python("import landbridge.kernels", LANDBRIDGE_INSTRUCTION_SET="baseline").returncode == 0
    refused = run_python("import landbridge.kernels", LANDBRIDGE_INSTRUCTION_SET="mmx")
    assert "'mmx' does not exist" in refused.stderr


def test_without_the_extension_the_import_says_in_one_line_what_to_install():
    done = run_python(
        "import sys\nsys.modules['landbridge.kernels._native'] = None\nimport landbridge.kernels"
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: The compiled part of landbridge-kernels is missing")
    assert "install a wheel that does, or a C++ compiler" in last
