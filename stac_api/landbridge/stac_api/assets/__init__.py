"""The object store, its files over HTTP, and the queue of objects to delete."""
