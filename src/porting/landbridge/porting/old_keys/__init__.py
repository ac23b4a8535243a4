"""Keys of the dicts of the old clients, and the attributes of the Catalog that have their values.

One module with a table for each kind of object. An old key that the Catalog has no attribute for is kept in
`extra_properties` under its own name, so that nothing that a script stores is lost.
"""
