"""Blobs by the Catalog."""
import json

from descarteslabs.catalog import Blob, StorageType, properties as p

for old in Blob.search().filter(p.namespace == Blob.namespace_id("corpus-blobs")):
    old.delete().wait_for_completion()
blob = Blob(namespace="corpus-blobs", name="some/name", tags=["important"])
blob.upload_data(json.dumps({"key": "value"}))
found = Blob.get(namespace="corpus-blobs", name="some/name")
value = json.loads(found.data())["key"]
kind = str(found.storage_type)
names = [b.name for b in Blob.search().filter(p.namespace == Blob.namespace_id("corpus-blobs"))]
lines = list(found.iter_lines(decode_unicode=True))
is_data = found.storage_type == StorageType.DATA
