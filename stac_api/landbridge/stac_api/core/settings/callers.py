"""Settings of the operator, of anonymous reads and of OpenID Connect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from landbridge.mappings.organizations import name_problem
from landbridge.stac_api.core.settings.group import Group, Names, split

__all__ = ["OidcSettings", "OperatorSettings"]


_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def _as_organization(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        return None if isinstance(value, str) else value
    if problem := name_problem(value.strip()):
        raise ValueError(f"the organization {value!r} {problem}")
    return value.strip()


_Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(split), NoDecode]


class OperatorSettings(Group):
    """Operator and anonymous reads"""

    token: SecretStr | None = Field(
        default=None, description="Bearer token of the operator, who can read and change everything"
    )
    accepted_tokens: _Secrets = Field(
        default=(),
        description="Further tokens of the operator that are accepted, separated by commas, with the URLs "
        "that they signed: the next or the last one, to change `LANDBRIDGE_TOKEN` without an interruption",
    )
    user: Annotated[str, BeforeValidator(lambda value: value or "local")] = Field(
        default="local", description="User name of the operator"
    )
    org: Annotated[str | None, BeforeValidator(_as_organization)] = Field(
        default="local",
        description="Organization of the operator, which prefixes the ids of its products; empty for none",
    )
    any_organization: bool = Field(
        default=False,
        description="Let the operator make products and blobs of every organization: ids that begin with one "
        "are kept, and the organization becomes an owner. The embedded stack sets it",
    )
    organizations_file: Path | None = Field(
        default=None,
        description="File of the operator's organizations, which `landbridge org` changes; its default "
        "counts if `LANDBRIDGE_ORG` is not set. The embedded stack sets it",
    )
    open_reads: bool = Field(
        default=False,
        description="Allow anonymous reads of everything. For a server on loopback, on a machine with one "
        "user",
    )
    anonymous_reads: bool = Field(
        default=True,
        description="Answer callers without a token, who can read what `public` may read; otherwise only "
        "`/_mgmt/ping`, `/_mgmt/health` and the schema of the extension. The embedded stack unsets it",
    )
    private_key_file: Path | None = Field(
        default=None,
        description="File with the key of the private address, by which callers without a token read "
        "everything: `/k/` and the key. The embedded stack sets it",
    )


class OidcSettings(Group):
    """OpenID Connect"""

    oidc_issuers: Names = Field(
        default=(),
        description="OpenID Connect issuers whose tokens the server accepts, separated by commas; all share "
        "one namespace of users and organizations",
    )
    oidc_audience: Names = Field(
        default=(),
        description="Audiences, separated by commas: a token's `aud` must contain one of them. Required with "
        "issuers",
    )
    oidc_leeway: int = Field(
        default=60,
        ge=0,
        le=600,
        description="Accepted clock difference of issuer and server, in seconds",
    )
    oidc_user_claim: str = Field(default="sub", description="Claim with the user; `a.b` reads a nested claim")
    oidc_org_claim: str = Field(default="org", description="Claim with the organization")
    oidc_groups_claim: str = Field(default="groups", description="Claim with the groups")
    oidc_email_claim: str = Field(default="email", description="Claim with the email address")
    oidc_email_verified_claim: str = Field(
        default="email_verified",
        description="Claim that must be true for the email address to count; empty if the issuer verifies "
        "every address",
    )
    oidc_write_scope: str = Field(
        default="", description="Scope that a token needs for writing; empty if every token may write"
    )

    @model_validator(mode="after")
    def _check_issuers(self) -> Self:
        for issuer in self.oidc_issuers:
            parts = urlsplit(issuer)
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
                raise ValueError(
                    f"the issuer {issuer!r} must be an https:// URL, so that nobody can forge its keys"
                )
        if self.oidc_issuers and not self.oidc_audience:
            raise ValueError(
                "oidc_audience must be set with oidc_issuers, to reject tokens for other services"
            )
        if self.oidc_issuers and not self.oidc_user_claim:
            raise ValueError("oidc_user_claim must name the claim that contains the user")
        return self
