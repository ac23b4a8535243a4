"""The scenes that the tutorials use: makes the product of the demo, if it is not there, from small scenes."""

import contextlib
import io
import warnings
from pathlib import Path

import matplotlib as mpl

import demo
from datasets import generated
from landbridge.catalog import Product

warnings.simplefilter("ignore", PendingDeprecationWarning)
mpl.rcParams["figure.dpi"] = 90
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    if not Product.exists("local:demo-landsat"):
        dataset = generated(600, Path("scenes"))
        product = demo.create_product(Product.namespace_id(dataset.name), dataset)
        demo.upload_images(product, dataset)
