"""A replayed provider as a source: its table with the addresses of this machine, and credentials."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace

from support.replay.documents import local_address


def table(provider, shipped):
    """Return a shipped table with the addresses of a provider on this machine; its products are unchanged."""
    rules = tuple(_local_rule(rule, provider.files.url) for rule in shipped.access)
    return replace(shipped, url=provider.url, access=rules)


def _local_rule(rule, files):
    if rule.kind == "planetary-computer":
        return replace(rule, prefixes=(f"{files}/",), endpoint=files)
    prefixes = tuple(local_address(prefix, files) for prefix in rule.prefixes)
    has_buckets = any(prefix.startswith("s3:") for prefix in prefixes)
    return replace(rule, prefixes=prefixes, endpoint=files if has_buckets else rule.endpoint)


def environment(provider):
    """Return the variables with which a user of the provider reads its files."""
    prefix = f"LANDBRIDGE_SOURCE_{provider.name.upper().replace('-', '_')}"
    special = {
        "lpcloud": {"EARTHDATA_TOKEN": provider.files.token},
        "planetary-computer": {"PC_SDK_SAS_URL": f"{provider.url}/api/sas/v1/token"},
    }
    keys = {
        f"{prefix}_ACCESS_KEY_ID": provider.files.key,
        f"{prefix}_SECRET_ACCESS_KEY": "secret-of-the-tests",
    }
    return special.get(provider.name, keys)


@contextlib.contextmanager
def variables(values):
    """Set environment variables inside the `with` block; None unsets one."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values):
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextlib.contextmanager
def used(*providers):
    """Use only these providers as sources inside the `with` block, and no service of one's own."""
    from landbridge import sources
    from landbridge.mappings.sources import shipped

    names = [provider.name for provider in providers]
    with contextlib.ExitStack() as stack:
        for provider in providers:
            stack.enter_context(variables(environment(provider)))
            sources.add(table(provider, shipped(provider.name)))
            stack.callback(sources.remove, provider.name)
        stack.enter_context(variables({"LANDBRIDGE_SOURCES": ",".join(names)}))
        yield
