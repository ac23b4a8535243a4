"""Products by the old Catalog client."""
from descarteslabs.client.services.catalog import Catalog

catalog = Catalog()
made = catalog.add_product("corpus-old-2", title="A title", description="A description")
product_id = made["data"]["id"]
found = catalog.get_product(product_id)["data"]
title = found["attributes"]["title"]
catalog.change_product(product_id, description="Another one")
description = catalog.get_product(product_id)["data"]["attributes"]["description"]
catalog.remove_product(product_id)
