-- Number of changes of the items of each collection, which tells whether a kept pyramid still shows all of them.
ALTER TABLE landbridge.item_counts ADD COLUMN changes bigint NOT NULL DEFAULT 0;
ALTER TABLE landbridge.item_count_changes ADD COLUMN changes bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN landbridge.item_counts.changes IS 'Number of additions, changes and deletions of items; it only grows.';
COMMENT ON COLUMN landbridge.item_count_changes.changes IS 'As in item_counts.';
