"""Base of the groups of settings, and types of values that several groups have."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

__all__ = ["MIB", "PREFIX", "Group", "Names", "split"]

PREFIX: Final = "LANDBRIDGE_"
MIB: Final = 2**20


def split(value: object) -> object:
    """Return the parts of a text between commas; other values stay as they are."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(split), NoDecode]


class Group(BaseSettings):
    """Settings of one subject."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)
