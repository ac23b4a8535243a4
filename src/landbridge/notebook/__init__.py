"""Views of objects in notebooks: HTML without scripts, with maps and charts as inline SVG.

A view is made from the values that an object holds: it never makes a request. Every text is escaped, since
`markup.tag` escapes all content that it did not make itself.
"""
