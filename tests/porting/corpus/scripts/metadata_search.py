"""Images by the Metadata service."""
import descarteslabs as dl

metadata = dl.Metadata()
shape = {"type": "Polygon", "coordinates": [[[-106.165, 40.625], [-106.150, 40.625], [-106.150, 40.640], [-106.165, 40.640], [-106.165, 40.625]]]}
fc = metadata.search(
    products=["esa:sentinel-2:l2a:v1"],
    geom=shape,
    start_datetime="2023-06-01",
    end_datetime="2023-07-01",
    cloud_fraction=0.5,
    limit=4,
)
number = len(fc["features"])
ids = [f["id"] for f in fc["features"]]
rows = []
for feature in fc["features"]:
    props = feature["properties"]
    rows.append((props["acquired"][:10], props["acquired"], props["cloud_fraction"], props["product"]))
kinds = {f["geometry"]["type"] for f in fc["features"]}
