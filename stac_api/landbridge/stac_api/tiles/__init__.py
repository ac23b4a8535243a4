"""Map tiles and other pictures of items, collections and searches.

`parameters` parses a query into a `View`, `grid` has the pixels to render, and `render_pool` renders both in
sandboxed worker processes.
"""
