"""A provider on this machine: its API and the hosts of its files."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from support.replay.api import Api
from support.replay.documents import load
from support.replay.files import Files
from support.replay.products import products_of
from support.replay.profiles import PROFILES


class Provider:
    """A replayed provider: its servers `api` and `files`, its items `records`, and what `products` hold."""

    def __init__(self, name, count, *, real=None, latency=0.0, **changes):
        self.name = name
        self.profile = replace(PROFILES[name], **changes)
        self.products = products_of(name)
        collections, self.records = load(name, count, real=real)
        self.files = Files(self.records)
        self.api = Api(self.profile, collections, self.records, self.files.url, self.files.sign, latency)
        self.url = self.api.url

    def of(self, collection):
        """Return the records of a collection, in the order of their numbers."""
        return [record for record in self.records if record.collection == collection]

    def stop(self):
        """Stop both servers."""
        self.api.stop()
        self.files.stop()


@contextlib.contextmanager
def replayed(name, count=40, **options):
    """Run a provider inside the `with` block: `count` items of each collection that has files.

    Options: `real` (False: our own documents only), `latency` of each answer of the API in seconds, and
    fields of `Profile` that differ, such as ``conforms=()``.
    """
    provider = Provider(name, count, **options)
    try:
        yield provider
    finally:
        provider.stop()
