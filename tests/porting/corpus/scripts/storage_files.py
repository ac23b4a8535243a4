"""A model kept by the Storage service."""
import os
import pickle
import tempfile

from descarteslabs import storage

folder = tempfile.mkdtemp()
source = os.path.join(folder, "model.pkl")
with open(source, "wb") as f:
    pickle.dump({"weights": [1, 2, 3]}, f)
storage.set_file("corpus-files/model.pkl", source)
target = os.path.join(folder, "copy.pkl")
storage.get_file("corpus-files/model.pkl", target)
with open(target, "rb") as f:
    weights = pickle.load(f)["weights"]
again = pickle.loads(storage.get("corpus-files/model.pkl"))["weights"]
names = [name for name in storage.iter_list("corpus-files/")]
storage.delete("corpus-files/model.pkl")
