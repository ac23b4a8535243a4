"""Backups of a service: its database and the objects that the database names, and their restoration.

A place has the backups of one service:

    store/images/…, store/blobs/…    objects of all backups, each once, by their paths in the object store
    backups/{id}/database.dump       the database, by pg_dump in its custom format
    backups/{id}/objects.jsonl.gz    path, size and SHA-256 of each object of this backup
    backups/{id}/uploads/…           files in transit of uploads that had not ended
    backups/{id}/manifest.json       versions, checksums, tables; written last
"""
