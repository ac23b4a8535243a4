"""Managing products by the Catalog."""
import descarteslabs as dl
from descarteslabs.exceptions import ConflictError, NotFoundError

Product = dl.catalog.Product
product = Product.get_or_create("corpus-managed", name="Managed")
product.readers = ["org:earthrise"]
product.tags = ["corpus-tag", "b"]
product.save()
again = Product.get(product.id)
readers = list(again.readers)
message = None
try:
    Product(id="corpus-managed", name="Managed").save()
except ConflictError as error:
    message = type(error).__name__
missing = Product.get("corpus:not-there") is None
listed = [p.name for p in Product.search().filter(dl.catalog.properties.tags == "corpus-tag")]
status = product.delete_related_objects()
if status:
    status.wait_for_completion()
product.delete()
