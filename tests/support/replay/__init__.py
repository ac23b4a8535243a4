"""Providers of imagery, replayed on this machine: their APIs, their documents, and files with known pixels.

>>> with replayed("earth-search", 40) as provider:  # 40 items of each collection
...     provider.url, provider.items
"""

from support.replay.provider import Provider, replayed

__all__ = ["Provider", "replayed"]
