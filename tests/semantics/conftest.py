"""Says at the end of a run how many statements of the specification have a test."""

from typing import Any

import pytest

from semantics.coverage import measure


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not config.option.collectonly:
        terminalreporter.section("statements of the behaviour specification")
        terminalreporter.write_line(str(measure()))
