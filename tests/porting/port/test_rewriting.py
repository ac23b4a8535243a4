"""Results of `--write`: pairs of a script before and after."""

import ast
import textwrap

import pytest

from porting.port.ported import port, unbound

SEARCH = """\
    scenes = (
        Image.search()
        .filter(p.product_id == "a:b")
        .intersects(aoi)
        .filter(p.acquired >= "2020-01-01")
        .filter(p.acquired < "2020-02-01")
        .filter(p.cloud_fraction <= 0.2)
        .sort("acquired")
        .limit(10)
        .collect()
    )
    ctx = scenes.geocontext
"""

PAIRS = {
    "imports of the Catalog": (
        """
        from descarteslabs.catalog import Image, Product as P, properties
        from descarteslabs.geo import AOI
        from descarteslabs import catalog, geo as g
        import descarteslabs.catalog as c
        import earthdaily.earthone.utils as u
        from earthdaily.earthone import exceptions
        from descarteslabs.core.catalog.image import ImageSearch
        from descarteslabs.common.dotdict import DotDict
        from descarteslabs.utils import *
        """,
        """
        from landbridge.catalog import Image, Product as P, properties
        from landbridge.geo import AOI
        from landbridge import catalog, geo as g
        import landbridge.catalog as c
        import landbridge.utils as u
        from landbridge import exceptions
        from landbridge.catalog import ImageSearch
        from landbridge.utils import DotDict
        from landbridge.utils import *
        """,
    ),
    "names below the root": (
        """
        '''Doc.'''
        import os  # first
        import descarteslabs as dl  # the client

        image = dl.catalog.Image.get("a:b:c")
        tile = dl.geo.DLTile.from_key(key)
        search = dl.catalog.Product.search().filter(dl.catalog.properties.owners == "org:x")
        """,
        """
        '''Doc.'''
        import os  # first
        from landbridge.catalog import Image, Product, properties as p
        from landbridge.geo import DLTile  # the client

        image = Image.get("a:b:c")
        tile = DLTile.from_key(key)
        search = Product.search().filter(p.owners == "org:x")
        """,
    ),
    "the root without an alias": (
        "import descarteslabs.catalog\nprint(descarteslabs.catalog.Image)\n",
        "from landbridge.catalog import Image\nprint(Image)\n",
    ),
    "the successor without an alias": (
        "import earthdaily.earthone\nprint(earthdaily.earthone.geo.AOI())\n",
        "from landbridge.geo import AOI\nprint(AOI())\n",
    ),
    "names that are taken": (
        "import descarteslabs as dl\nImage = 3\np = 4\nprint(dl.catalog.Image, dl.catalog.properties)\n",
        "from landbridge.catalog import Image as catalog_Image, properties\nImage = 3\np = 4\n"
        "print(catalog_Image, properties)\n",
    ),
    "an import in a function": (
        "'''Doc.'''\nfrom __future__ import annotations\nimport os\n"
        "def f():\n    import descarteslabs as dl\n    return dl.catalog.Image\n",
        "'''Doc.'''\nfrom __future__ import annotations\nfrom landbridge.catalog import Image\nimport os\n"
        "def f():\n    return Image\n",
    ),
    "an import alone in its block": (
        "try:\n    import descarteslabs as dl\nexcept ImportError:\n    dl = None\nprint(dl.geo)\n",
        "try:\n    from landbridge import geo\n    import descarteslabs as dl\nexcept ImportError:\n    dl = None\n"
        "print(geo)\n",
    ),
    "a search of scenes": (
        """
        import descarteslabs as dl
        def find(aoi):
            scenes, ctx = dl.scenes.search(
                aoi,
                products="a:b",
                start_datetime="2020-01-01",
                end_datetime="2020-02-01",
                cloud_fraction=0.2,
                limit=10,
            )
            return scenes.mosaic("red", ctx, bands_axis=-1)
        """,
        "from landbridge.catalog import Image, properties as p\ndef find(aoi):\n"
        + SEARCH
        + '    return scenes.mosaic("red", ctx, bands_axis=-1)\n',
    ),
    "the context is not used": (
        """
        from descarteslabs.scenes import search
        scenes, _ = search(aoi, "a:b", limit=None)
        print(len(scenes))
        """,
        """
        from landbridge.catalog import Image, properties as p
        scenes = (
            Image.search()
            .filter(p.product_id == "a:b")
            .intersects(aoi)
            .sort("acquired")
            .collect()
        )
        print(len(scenes))
        """,
    ),
    "members of scenes": (
        """
        from descarteslabs import scenes
        found, ctx = scenes.search(aoi, products=["a:b", "c:d"], sort_order="desc", limit=None)
        days = list(found.each.properties.date.day)
        for month, group in found.groupby("properties.date.month", lambda s: s.properties["product"]):
            stack, info = group.stack("red", ctx=ctx, flatten=["properties.date.day"], raster_info=True)
            print(group[0].properties.acquired[:10], group[0].properties.acquired, group[0].properties.date.year)
        clear = found.filter(lambda s: (s or s).properties.get("cloud_fraction") < 0.1)
        print(f"{clear[0].properties.key} of {len(clear)}", [s.properties.date for s in clear])
        """,
        """
        from landbridge.catalog import Image, properties as p
        found = (
            Image.search()
            .filter(p.product_id.any_of(["a:b", "c:d"]))
            .intersects(aoi)
            .sort("acquired", ascending=False)
            .collect()
        )
        ctx = found.geocontext
        days = list(found.each.acquired.day)
        for month, group in found.groupby("acquired.month", lambda s: s.product_id):
            stack, info = group.stack("red", geocontext=ctx, flatten=["acquired.day"], raster_info=True)
            print(group[0].acquired.isoformat()[:10], group[0].acquired.isoformat().replace("+00:00", "Z"), group[0].acquired.year)
        clear = found.filter(lambda s: (s or s).cloud_fraction < 0.1)
        print(f"{clear[0].id} of {len(clear)}", [s.acquired.replace(tzinfo=None) for s in clear])
        """,
    ),
    "scenes in functions, lists and objects": (
        """
        import descarteslabs as dl
        class Work:
            def __init__(self, aoi):
                self.scenes, self.ctx = dl.scenes.search(aoi, products="a:b", limit=None)
            def ids(self):
                return [s.properties.id for s in self.scenes]
        kept = []
        def keep(scene, least=0):
            if scene.properties.fill_fraction > least:
                kept.append(scene)
        scene, ctx = dl.scenes.Scene.from_id("a:b:c")
        keep(scene)
        keep(least=1, scene=scene)
        print(kept[0].properties.id)
        """,
        """
        from landbridge.catalog import Image, properties as p
        class Work:
            def __init__(self, aoi):
                self.scenes = (
                    Image.search()
                    .filter(p.product_id == "a:b")
                    .intersects(aoi)
                    .sort("acquired")
                    .collect()
                )
                self.ctx = self.scenes.geocontext
            def ids(self):
                return [s.id for s in self.scenes]
        kept = []
        def keep(scene, least=0):
            if scene.fill_fraction > least:
                kept.append(scene)
        scene = Image.get("a:b:c")
        keep(scene)
        keep(least=1, scene=scene)
        print(kept[0].id)
        """,
    ),
    "comments inside what changes": (
        """
        from descarteslabs import scenes
        found, ctx = scenes.search(
            aoi,
            products="a:b",  # the product
            # no limit
            limit=None,
        )
        print(found, ctx)
        """,
        """
        from landbridge.catalog import Image, properties as p
        # the product
        # no limit
        found = (
            Image.search()
            .filter(p.product_id == "a:b")
            .intersects(aoi)
            .sort("acquired")
            .collect()
        )
        ctx = found.geocontext
        print(found, ctx)
        """,
    ),
    "storage": (
        """
        import json
        import descarteslabs as dl
        storage = dl.Storage()
        storage.set("run/a", json.dumps({}))
        text = storage.get("run/a")
        storage.set_file("run/b", "file.bin")
        storage.get_file("run/b", "copy.bin")
        if storage.exists("run/b"):
            storage.delete("run/b")
        print(storage.list("run/"), json.loads(storage.get(other)))
        """,
        """
        import json
        from landbridge.catalog import Blob, properties as p
        Blob(name="run/a").upload_data(json.dumps({}), overwrite=True)
        text = Blob.get(name="run/a").data().decode()
        Blob(name="run/b").upload("file.bin", overwrite=True)
        Blob.get(name="run/b").download("copy.bin")
        if Blob.exists(name="run/b"):
            Blob.get(name="run/b").delete()
        print([blob.name for blob in (
            Blob.search()
            .filter(p.namespace == Blob.namespace_id(None))
            .filter(p.storage_type == "data")
            .filter(p.name.prefix("run/"))
            .sort("name")
        )], json.loads(Blob.get(name=other).data()))
        """,
    ),
    "metadata": (
        """
        from descarteslabs.client.services import Metadata
        metadata = Metadata()
        found = metadata.search(products="a:b", geom=aoi, start_datetime="2020", end_datetime="2021", limit=5)
        for feature in found["features"]:
            print(feature["id"], feature["properties"]["acquired"][:10], feature.properties.acquired)
        ids = metadata.ids(product="a:b", dltile="2048:16:30.0:15:-4:81", limit=None)
        for feature in metadata.features(products=["a:b"]):
            print(feature["geometry"], feature["properties"]["bands"])
        """,
        """
        from landbridge.catalog import Image, properties as p
        from landbridge.geo import DLTile
        found = (
            Image.search()
            .filter(p.product_id == "a:b")
            .intersects(aoi)
            .filter(p.acquired >= "2020")
            .filter(p.acquired < "2021")
            .sort("acquired")
            .limit(5)
            .collect()
        )
        for feature in found:
            print(feature.id, feature.acquired.isoformat()[:10], feature.acquired.isoformat().replace("+00:00", "Z"))
        ids = [image.id for image in (
            Image.search()
            .filter(p.product_id == "a:b")
            .intersects(DLTile.from_key("2048:16:30.0:15:-4:81"))
            .sort("acquired")
        )]
        for feature in Image.search().filter(p.product_id.any_of(["a:b"])).sort("acquired"):
            print(feature.__geo_interface__, [band.name for band in feature.product.bands().sort("sort_order")])
        """,
    ),
    "raster": (
        """
        import descarteslabs as dl
        raster = dl.Raster()
        tile = raster.dltile_from_latlon(45, -90, 30, 512, 0)
        pixels, _ = raster.ndarray(["a:b:c"], bands=["red"], dltile=tile)
        both, meta = dl.raster.ndarray(
            inputs="a:b:c", bands=["red", "nir"], resolution=60, srs="EPSG:32615", cutline=tile["geometry"]
        )
        print(meta["size"], tile["properties"]["key"])
        """,
        """
        from landbridge.catalog import Image, ImageCollection
        from landbridge.geo import AOI, DLTile
        tile = DLTile.from_latlon(45, -90, 30, 512, 0)
        # landbridge port: Raster.ndarray: pixels without data are 0 now; they had the nodata value of their band.
        pixels = ImageCollection(Image.get_many(["a:b:c"])).mosaic(["red"], tile)[0].filled(0)
        # landbridge port: Raster.ndarray: pixels without data are 0 now; they had the nodata value of their band.
        both, meta = (
            ImageCollection(Image.get_many(["a:b:c"]))
            .mosaic(["red", "nir"], AOI(geometry=tile.geometry.__geo_interface__, resolution=60, crs="EPSG:32615", align_pixels=False), bands_axis=-1, raster_info=True)
        )
        both = both.filled(0)
        print(meta["size"], tile.key)
        """,
    ),
    "the old Catalog client": (
        """
        import descarteslabs as dl
        catalog = dl.Catalog()
        product_id = catalog.add_product("mine", title="Mine", description="d")["data"]["id"]
        catalog.add_band(product_id, "mask", type="mask", srcband=2, dtype="Byte", data_range=[0, 1])
        catalog.upload_ndarray(pixels, product_id, name, acquired="2020-01-01", raster_meta=meta)
        found = catalog.get_product("mine")["data"]["attributes"]["title"]
        catalog.remove_product("local:mine")
        """,
        """
        from landbridge.catalog import Image, MaskBand, Product
        product = Product(id="mine", name="Mine", description="d")
        product.save()
        product_id = product.id
        MaskBand(product_id=product_id, name="mask", band_index=1, is_alpha=False, data_type="Byte").save()
        image = Image(product_id=product_id, name=name, acquired="2020-01-01")
        image.upload_ndarray(pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1), raster_meta=meta, overwrite=True)
        found = Product.get(Product.namespace_id("mine")).name
        Product.get("local:mine").delete()
        """,
    ),
    "the caller": (
        """
        from descarteslabs.client.auth import Auth
        auth = Auth()
        print(auth.payload["org"], auth.namespace, Auth.get_default_auth().payload.get("sub"))
        """,
        """
        from landbridge.catalog import CatalogClient
        auth = CatalogClient.get_default_client().auth
        print(auth.org, auth.namespace, CatalogClient.get_default_client().auth.user)
        """,
    ),
}

# Scripts that stay on an adapter, and the words of their notes.
UNDECIDED = {
    "scenes are passed to other code": (
        "import descarteslabs as dl\nfrom mine import work\ns, c = dl.scenes.search(a, 'a:b')\nwork(s)\n",
        ["scenes.search stays on the adapter", "it is passed to code that is not in this file"],
    ),
    "scenes are returned to other files": (
        "import descarteslabs as dl\ndef find(a):\n    s, c = dl.scenes.search(a, 'a:b')\n    return s\n",
        ["scenes.search stays on the adapter", "whose callers are not in this file"],
    ),
    "a property without an equal": (
        "import descarteslabs as dl\ns, c = dl.scenes.search(a, 'a:b')\nprint(s[0].properties.bands)\n",
        ["scenes.search stays", "`bands` of a scene's properties: it has no equal in the Catalog API"],
    ),
    "an argument that may be None": (
        "import descarteslabs as dl\ndef f(a, end=None):\n"
        "    s, c = dl.scenes.search(a, 'a:b', end_datetime=end)\n    print(len(s))\n",
        ["end_datetime may be None"],
    ),
    "arguments by stars": (
        "import descarteslabs as dl\nprint(dl.Metadata().ids(**options))\n",
        ["arguments are passed by **"],
    ),
    "an error that is handled": (
        "import descarteslabs as dl\ntry:\n    i = dl.Metadata().get('a:b:c')\nexcept Exception:\n    pass\n",
        ["it raised NotFoundError, where the Catalog's get() returns None"],
    ),
    "text or bytes": (
        "from descarteslabs import storage\nvalue = storage.get(key)\n",
        ["the value may be text or bytes"],
    ),
    "a hosted service": (
        "import descarteslabs.workflows as wf\nimage = wf.Image.from_id('a')\n",
        ["Workflows is gone: use"],
    ),
    "alpha": (
        "import descarteslabs as dl\na, m = dl.raster.ndarray(ids, bands=['red', 'alpha'], dltile='k')\n",
        ["alpha was made by the Raster service"],
    ),
    "a name that never was": (
        "import descarteslabs as dl\nprint(dl.catalogue.Image)\n",
        ["this name of the old package is not known"],
    ),
    "an attribute of an unknown object": (
        "import descarteslabs as dl\nclass W:\n    def __init__(self, a):\n"
        "        self.found, self.ctx = dl.scenes.search(a, 'a:b')\n"
        "def work(w):\n    return w.found[0].properties.id\nprint(pool.map(work, [W(a)]))\n",
        ["scenes.search stays on the adapter", "its object is not known"],
    ),
    "a class that inherits": (
        "import descarteslabs as dl\nclass W:\n    def __init__(self, a):\n"
        "        self.found = dl.scenes.search(a, 'a:b')[0]\n"
        "class V(W):\n    def ids(self):\n        return [s.properties.id for s in self.found]\n",
        ["its object is not known"],
    ),
    "a list with two names": (
        "import descarteslabs as dl\ns, c = dl.scenes.search(a, 'a:b')\nkept = []\nalso = kept\n"
        "also.append(s[0])\nprint(kept[0].properties.id)\n",
        ["scenes.search stays on the adapter"],
    ),
    "a list of an object": (
        "import descarteslabs as dl\nclass W:\n    def __init__(self, s):\n        self.kept = []\n"
        "        self.kept.append(s)\n    def ids(self):\n"
        "        return [s.properties.id for s in self.kept]\nW(dl.scenes.Scene.from_id('a:b:c')[0])\n",
        ["stays on the adapter"],
    ),
    "a list that a function gets": (
        "import descarteslabs as dl\ndef add(kept, s):\n    kept.append(s)\nfound = []\n"
        "s, c = dl.scenes.Scene.from_id('a:b:c')\nadd(found, s)\nprint(found[0].properties.id)\n",
        ["stays on the adapter"],
    ),
    "a predicate of another file": (
        "import descarteslabs as dl\nfrom mine import is_clear\ns, c = dl.scenes.search(a, 'a:b')\n"
        "print(s.filter(is_clear), sorted(s, key=is_clear), list(map(is_clear, s)))\n",
        ["the predicate is neither a text nor a function", "it is passed to code that is not in this file"],
    ),
    "loops over attributes": (
        "import descarteslabs as dl\ns, c = dl.scenes.search(a, 'a:b')\nfor o.s in s:\n"
        "    print(o.s.properties.id)\n",
        ["it is kept where its uses can't be seen"],
    ),
    "an id that may lack its prefix": (
        "import descarteslabs as dl\ndl.Catalog().remove_product(product_id)\n",
        ["the id of the product may lack the prefix of the organization"],
    ),
    "an upload at the time of the upload": (
        "import descarteslabs as dl\ndl.Catalog().upload_ndarray(pixels, 'a:b', 'c', geotrans=g, proj4=p)\n",
        ["it has no acquired"],
    ),
    "alpha of scenes": (
        "import descarteslabs as dl\ns, c = dl.scenes.search(a, 'a:b')\nm = s.mosaic('red alpha', c)\n",
        ["scenes.search stays on the adapter", "alpha was made for products without it"],
    ),
    "the name of a place": (
        "import descarteslabs as dl\ns, c = dl.scenes.search('iowa', 'a:b')\nprint(len(s))\n",
        ["the area is the name of a place"],
    ),
    "a parameter that takes all": (
        "import descarteslabs as dl\ndef f(**more):\n    return more['s'].properties.id\n"
        "def g(*more):\n    return more[0].properties.id\n"
        "s, c = dl.scenes.Scene.from_id('a:b:c')\nprint(f(s=s), g(s))\n",
        ["it is passed to a function that has no parameter of its own for it"],
    ),
    "properties as a dict": (
        "import descarteslabs as dl\nm = dl.Metadata().get('a:b:c')\nprint(list(m), 'area' in m, {**m}, dict(**m))\n",
        ["it is iterated over", "its keys are compared", "it is passed by **"],
    ),
    "properties that are changed": (
        "import descarteslabs as dl\nfor f in dl.Metadata().search(products='a:b')['features']:\n"
        "    f['properties']['cloud_fraction'] = 0\n    del f.properties.area\n",
        ["it is changed"],
    ),
    "a test of a class": (
        "import descarteslabs as dl\ns, c = dl.scenes.Scene.from_id('a:b:c')\n"
        "print(isinstance(s, dl.scenes.Scene), s.properties.id)\n",
        ["scenes.Scene.from_id stays on the adapter", "only calls of it are rewritten"],
    ),
    "groups by texts of times": (
        "import descarteslabs as dl\ns, c = dl.scenes.search(a, 'a:b')\n"
        "print([d for d, _ in s.groupby('properties.acquired')], [d for d, _ in s.groupby('properties.date')])\n",
        [
            "the values of the path 'properties.acquired' differ",
            "the values of the path 'properties.date' differ",
        ],
    ),
    "the description of bands": (
        "import descarteslabs as dl\n"
        "a, m = dl.raster.ndarray(['a:b:c'], bands=['red'], dltile='2048:16:30.0:15:-4:81')\nprint(m['bands'])\n",
        ["`bands` of a raster's description: it has no equal", "Raster.ndarray stays on the adapter"],
    ),
    "a mosaic that is not followed": (
        "import descarteslabs as dl\ns, c = dl.scenes.search(a, 'a:b')\nf = s.mosaic\nf('red', c)\n",
        ["the method is passed on"],
    ),
}


def dedent(text):
    return textwrap.dedent(text).removeprefix("\n")


@pytest.mark.parametrize("name", PAIRS)
def test_a_script_is_rewritten(name):
    before, after = (dedent(text) for text in PAIRS[name])
    assert port(before) == after


@pytest.mark.parametrize("name", PAIRS)
def test_a_rewritten_script_stays_as_it_is(name):
    after = port(dedent(PAIRS[name][0]))
    assert port(after) == after
    assert unbound(after) <= unbound(dedent(PAIRS[name][0]))


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_is_not_mechanical_stays_with_a_note(name):
    before, words = UNDECIDED[name]
    after = port(before)
    kept = [line for line in after.splitlines() if not line.lstrip().startswith("# landbridge port: ")]
    assert ast.dump(ast.parse("\n".join(kept))) == ast.dump(ast.parse(before))
    notes = "\n".join(line for line in after.splitlines() if line not in kept)
    assert all(word in notes for word in words), notes
    assert port(after) == after
