"""Replay a provider until the standard input ends: python -m support.replay PROVIDER COUNT [LATENCY].

It prints the addresses of its API and of its files.
"""

import json
import sys

from support.replay import replayed

name, count, *latency = sys.argv[1:]
with replayed(name, int(count), latency=float(*latency or ["0"])) as provider:
    print(json.dumps({"api": provider.url, "files": provider.files.url}), flush=True)  # noqa: T201
    sys.stdin.read()
