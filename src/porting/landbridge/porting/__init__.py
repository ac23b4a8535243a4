"""Import names and older APIs of the Descartes Labs and EarthOne clients, over the Catalog API."""
