"""Generated scripts: rewriting one gives Python that binds its names, and a second time changes nothing."""

import ast
import os

import hypothesis
from hypothesis import strategies as st

from porting.port.ported import port, unbound

LONG = bool(os.environ.get("LANDBRIDGE_LONG_TESTS"))

# An import, and the name of the old package's root or of its part in the lines below.
IMPORTS = [
    ("import descarteslabs as dl", {"": "dl"}),
    ("import descarteslabs", {"": "descarteslabs"}),
    ("import earthdaily.earthone as eo", {"": "eo"}),
    ("from descarteslabs import scenes, raster, metadata, storage, catalog", {"scenes": "scenes", "raster": "raster", "metadata": "metadata", "storage": "storage", "catalog": "catalog"}),
    ("from descarteslabs.client.services import Raster\nraster = Raster()\nimport descarteslabs as dl", {"": "dl", "raster": "raster"}),
    ("try:\n    import descarteslabs as dl\nexcept ImportError:\n    raise", {"": "dl"}),
    ("import descarteslabs.catalog, descarteslabs.scenes", {"": "descarteslabs"}),
]  # fmt: skip

# Statements with {scenes}, {raster} and so on for the parts of the package.
STATEMENTS = [
    "found, ctx = {scenes}.search(aoi, products='a:b', start_datetime=begin, limit=5)",
    "found, ctx = {scenes}.search(aoi, ['a:b'], cloud_fraction=0.5 if x else 1)  # clouds",
    "found, _ = {scenes}.search(\n    aoi,  # é an area\n    'a:b',\n)",
    "scene, area = {scenes}.Scene.from_id('a:b:c')",
    "pair = {scenes}.Scene.from_id('a:b:c')",
    "print(scene.properties.id, scene.properties.bands)",
    "print(f'{{scene.properties.id}} {{found[0].properties[\"acquired\"]:%Y}}')",
    "arr = found.mosaic('red', ctx, mask_alpha=False)",
    "arr = [s.ndarray('red', ctx=ctx) for s in found if s.properties.cloud_fraction < 0.1]",
    "for day, group in found.groupby('properties.date.day'):\n    print(day, len(group), group.each.properties.id)",
    "def first(scenes):\n    return scenes[0]\nprint(first(found).properties.date)",
    "best = min(found, key=lambda s: s.properties.cloud_fraction); print(best.properties.key)",
    "work(found)",
    "if x: print(found[0].properties.bands)",
    "fc = {metadata}.search(products='a:b', geom=aoi, limit=3)",
    "ids = [f['id'] for f in fc['features']]",
    "for f in {metadata}.features(products='a:b'): print(f['properties']['acquired'], f['key'])",
    "ids = {metadata}.ids(products=names, geom=aoi)",
    "a, meta = {raster}.ndarray(ids, bands=['red'], resolution=10, srs='EPSG:32631', bounds=box)",
    "tile = {raster}.dltile_from_latlon(1, 2, 10, 64, 0); print(tile['properties']['key'])",
    "tiles = {raster}.dltiles_from_shape(10, 64, 0, aoi)\nprint(len(tiles['features']))",
    "{storage}.set('k', 'text')",
    "print({storage}.get('k'), {storage}.list())",
    "x = {storage}.get(key) or \\\n    {storage}.exists(key)",
    "image = {catalog}.Image.get('a:b:c')",
    "print({catalog}.properties.acquired, {catalog}.EventRule)",
    "class W:\n    def __init__(self):\n        self.s, self.c = {scenes}.search(aoi, 'a:b')\n    def ids(self):\n        return [s.properties.id for s in self.s]",
    "p = Image = 3",
    "async def f():\n    with open(x) as y, z: return {catalog}.Blob",
]  # fmt: skip


@st.composite
def scripts(draw):
    line, names = draw(st.sampled_from(IMPORTS))
    root = names.get("")
    parts = {
        part: names.get(part) or (f"{root}.{part}" if root else part)
        for part in ("scenes", "raster", "metadata", "storage", "catalog")
    }
    chosen = draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=8))
    body = "\n".join(statement.format(**parts) for statement in chosen)
    if draw(st.booleans()):
        body = "def main(aoi, begin=None):\n" + "\n".join(f"    {one}" for one in body.splitlines())
    start = draw(
        st.sampled_from(
            ["", '"""Doc."""\n', "#!/usr/bin/env python\n", "from __future__ import annotations\n"]
        )
    )
    end = draw(st.sampled_from(["\n", "", "\n# the end\n"]))
    return f"{start}{line}\n{body}{end}"


@hypothesis.settings(
    max_examples=4000 if LONG else 60, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
@hypothesis.given(scripts())
def test_rewriting_twice_is_rewriting_once(script):
    ast.parse(script)
    once = port(script)
    ast.parse(once)
    assert port(once) == once
    assert unbound(once) <= unbound(script)
