"""A second process over the same place finds the headers of files where the first one left them."""

import subprocess
import sys

import pytest

from support.replay import replayed
from support.replay.as_source import environment, variables

_READ = """
import sys
from landbridge import sources
from landbridge.catalog import Product
from landbridge.geo import AOI
sources.add("here", sys.argv[1])
images = Product.get("here:sentinel-2-c1-l2a").images().collect()
print(images.mosaic("red swir16", geocontext=images[0].geocontext).sum())
"""


def is_header(asked):
    """Return whether a range is that of a header; one byte only checks that a file is still the same."""
    return asked is None or (asked.startswith("bytes=0-") and asked != "bytes=0-0")


@pytest.mark.filterwarnings("ignore")
def test_a_second_process_asks_for_no_header(tmp_path):
    with replayed("earth-search", 6, real=False) as provider:
        settings = {"LANDBRIDGE_CACHE": str(tmp_path), "LANDBRIDGE_SOURCES": "here", **environment(provider)}
        sums, headers = [], []
        with variables(settings):
            for _ in range(2):
                begun = len(provider.files.seen)
                done = subprocess.run(
                    [sys.executable, "-c", _READ, provider.url], capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stderr[-2000:]
                sums.append(done.stdout.split()[-1])
                seen = list(provider.files.seen)[begun:]
                headers.append([one for one in seen if is_header(one.range)])
                assert seen
        assert sums[0] == sums[1]
        assert headers[0]
        assert not headers[1]
