"""Blobs: their upload, data, checksums and deletion."""
