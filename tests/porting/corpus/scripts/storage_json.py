"""Results kept by the Storage service."""
import json

import descarteslabs as dl

storage = dl.Storage()
result = {"field": 3, "ndvi": [0.1, 0.4]}
storage.set("corpus/result.json", json.dumps(result))
storage.set("corpus/result.json", json.dumps(result))
back = json.loads(storage.get("corpus/result.json"))
storage.set("corpus/note", "fields of 2023")
note = storage.get("corpus/note")
keys = storage.list(prefix="corpus/")
was_there = storage.exists("corpus/note")
for key in keys:
    storage.delete(key)
is_there = storage.exists("corpus/note")
