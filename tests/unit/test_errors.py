"""Every error of every distribution derives from LandbridgeError, and the published tree is current."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from landbridge.errors import LandbridgeError

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_reference", ROOT / "scripts/generate_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_exception_class_derives_from_landbridge_error(reference: ModuleType) -> None:
    reference.import_all()
    ours = {
        cls
        for name, module in list(sys.modules.items())
        if name.startswith("landbridge.")
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Exception)
        and not issubclass(cls, Warning)
        and cls.__module__.startswith("landbridge.")
    }
    assert len(ours) > 30
    assert [cls for cls in ours if not issubclass(cls, LandbridgeError)] == []


def test_generated_reference_is_current(reference: ModuleType) -> None:
    outdated = [str(path) for path, text in reference.generated().items() if path.read_text() != text]
    assert not outdated, "Run `python scripts/generate_reference.py`."
