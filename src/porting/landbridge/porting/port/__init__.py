"""The command `landbridge port`: reports what old scripts use, and rewrites them for the Catalog."""
