"""Types for annotations only: no module imports these when it runs.

They may name every class of the package, also those that import the module that is annotated.
"""
