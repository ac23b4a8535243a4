"""Print the user that runs the script."""
import descarteslabs as dl
from descarteslabs.auth import Auth

auth = Auth.get_default_auth()
namespace = auth.namespace
org = auth.payload["org"]
user = dl.Auth().payload.get("sub")
product_id = "{}:{}".format(org, "example")
is_mine = dl.catalog.Product.namespace_id("example") == product_id
