"""Progress bars in notebooks with and without widgets."""

import subprocess
import sys

PROGRAM = """
import importlib.util, sys, types, warnings
warnings.simplefilter("error")
# A kernel of a notebook, as tqdm recognizes it
ipython = types.ModuleType("IPython")
ipython.get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["IPython"] = ipython
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "ipywidgets" else find(name, *more)
from landbridge.raster.runtime.progress import progress_bar
with progress_bar(True, 10, "reading") as bar:
    bar.update(10)
print(type(bar).__module__)
"""


def test_a_notebook_without_widgets_gets_a_bar_of_text_and_no_warning():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "tqdm.std"
    assert "reading" in done.stderr
