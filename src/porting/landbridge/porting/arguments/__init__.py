"""Arguments that the old clients shared: keywords of several versions, areas, times and product ids."""
