-- Plain names for tables, columns, indexes, triggers and functions. Nothing is rewritten: only names change.
-- From this migration on, the current functions and triggers stand in `../functions`, applied after migrations.

ALTER TABLE landbridge.facts RENAME TO item_stats;
ALTER TABLE landbridge.item_stats RENAME COLUMN collection TO collection_key;
ALTER INDEX landbridge.facts_pkey RENAME TO item_stats_pkey;
ALTER INDEX landbridge.facts_datetime RENAME TO item_stats_datetime;
ALTER STATISTICS landbridge.facts_years RENAME TO item_stats_years;
ALTER STATISTICS landbridge.facts_quarters RENAME TO item_stats_quarters;
ALTER STATISTICS landbridge.facts_months RENAME TO item_stats_months;
ALTER STATISTICS landbridge.facts_weeks RENAME TO item_stats_weeks;
ALTER STATISTICS landbridge.facts_days RENAME TO item_stats_days;

ALTER TABLE landbridge.extents RENAME COLUMN collection TO collection_key;

ALTER TABLE landbridge.bases RENAME TO base_item_assets;
ALTER TABLE landbridge.base_item_assets RENAME COLUMN collection TO collection_key;
ALTER TABLE landbridge.base_item_assets RENAME COLUMN tag TO base_item_id;
ALTER INDEX landbridge.bases_pkey RENAME TO base_item_assets_pkey;

ALTER TABLE landbridge.blob_grants RENAME COLUMN collection TO collection_key;

ALTER TABLE landbridge.discards RENAME TO deletion_queue;
ALTER INDEX landbridge.discards_pkey RENAME TO deletion_queue_pkey;
ALTER INDEX landbridge.discards_due RENAME TO deletion_queue_due;
ALTER INDEX landbridge.discards_upload RENAME TO deletion_queue_upload;

ALTER TABLE landbridge.stored RENAME TO stored_objects;
ALTER INDEX landbridge.stored_pkey RENAME TO stored_objects_pkey;
ALTER INDEX landbridge.stored_org RENAME TO stored_objects_org;

-- The digest of the functions that were applied last.
ALTER TABLE landbridge.scripts ADD COLUMN digest text;

DROP TRIGGER landbridge_follow ON pgstac.items;
DROP TRIGGER landbridge_follow_truncation ON pgstac.items;
DROP TRIGGER landbridge_follow ON pgstac.collections;
DROP TRIGGER landbridge_lists ON pgstac.collections;
DROP TRIGGER landbridge_lists_truncation ON pgstac.collections;
DROP TRIGGER landbridge_blob_made ON landbridge.item_stats;
DROP TRIGGER landbridge_blob_changed ON landbridge.item_stats;
DROP TRIGGER landbridge_blob_deleted ON landbridge.item_stats;
DROP TRIGGER landbridge_blobs_truncation ON landbridge.item_stats;

DROP FUNCTION
    landbridge.alike(jsonb, jsonb),
    landbridge.bytes_of(jsonb, jsonb, boolean),
    landbridge.compared(jsonb, jsonb),
    landbridge.computed(text, double precision, double precision),
    landbridge.damaged_items(),
    landbridge.fact_of(pgstac.items),
    landbridge.filled(jsonb, jsonb),
    landbridge.folded(text),
    landbridge.follow_blob(),
    landbridge.follow_collection(),
    landbridge.follow_item(),
    landbridge.follow_lists(),
    landbridge.follow_truncation(),
    landbridge.forget_blobs(),
    landbridge.forget_lists(),
    landbridge.geojson(public.geometry),
    landbridge.granted(jsonb),
    landbridge.hydrated(jsonb, text, text[]),
    landbridge.instant(jsonb),
    landbridge.is_readable(public.geometry),
    landbridge.members(jsonb),
    landbridge.mend_geometries(),
    landbridge.mend_items(),
    landbridge.mended(public.geometry),
    landbridge.merged(jsonb, jsonb),
    landbridge.number(jsonb),
    landbridge.open_partitions(text, timestamptz[], timestamptz[]),
    landbridge.reduced(jsonb),
    landbridge.refresh_extent(bigint),
    landbridge.related(text, public.geometry, public.geometry),
    landbridge.size_of(jsonb, jsonb),
    landbridge.string(jsonb),
    landbridge.subject(text),
    landbridge.tame(double precision),
    landbridge.truth(jsonb),
    landbridge.unaccented(text),
    landbridge.unreadable_items(),
    landbridge.visible(jsonb, jsonb, text[]),
    landbridge.whole_base_item(text);

COMMENT ON TABLE landbridge.schema_version IS 'What the database was last migrated to.';
COMMENT ON COLUMN landbridge.schema_version.fingerprint IS 'Digest of the versions and scripts that make up the schema.';
COMMENT ON TABLE landbridge.scripts IS 'Migrations that were applied, and the digest of the functions.';
COMMENT ON TABLE landbridge.uploads IS 'One row for each upload of an image, from its request to its end.';
COMMENT ON COLUMN landbridge.uploads.item IS 'The STAC item as announced by the client.';
COMMENT ON COLUMN landbridge.uploads.files IS 'The files to be uploaded, with their sizes.';
COMMENT ON TABLE landbridge.upload_events IS 'Log of each upload, shown to its user.';
COMMENT ON TABLE landbridge.deletions IS 'Background deletions of all images of a product.';
COMMENT ON TABLE landbridge.blob_uploads IS 'One row for each upload of a blob.';
COMMENT ON COLUMN landbridge.blob_uploads.paths IS
    'Objects that were started; all except the committed one are deleted later.';
COMMENT ON COLUMN landbridge.blob_uploads.committed IS 'The object that became the blob''s data.';
COMMENT ON COLUMN landbridge.blob_uploads.hash_due IS 'A job still has to compute the MD5 checksum.';
COMMENT ON TABLE landbridge.blob_deletions IS 'Background deletions of the data of blobs.';
COMMENT ON COLUMN landbridge.blob_deletions.username IS 'Who started the deletion and may read its status.';
COMMENT ON TABLE landbridge.deletion_queue IS
    'Objects of the store to be deleted. A row is written before its object, so that no crash leaves an object behind.';
COMMENT ON COLUMN landbridge.deletion_queue.path IS 'A path that ends in a slash stands for all objects below it.';
COMMENT ON COLUMN landbridge.deletion_queue.due IS 'The time from which the object may be deleted.';
COMMENT ON COLUMN landbridge.deletion_queue.emptied IS
    'Time of a first deletion: a late request of the client may still write a file of this upload.';
COMMENT ON TABLE landbridge.item_stats IS
    'One narrow row for each item, for counts and sums; kept by a trigger on pgstac.items.';
COMMENT ON COLUMN landbridge.item_stats.collection_key IS 'pgstac.collections.key';
COMMENT ON COLUMN landbridge.item_stats.bytes IS 'Size of the item''s files.';
COMMENT ON COLUMN landbridge.item_stats.namespace IS 'Of blobs only.';
COMMENT ON TABLE landbridge.extents IS 'Bounding box and time range of the items of each collection.';
COMMENT ON COLUMN landbridge.extents.collection_key IS 'pgstac.collections.key';
COMMENT ON COLUMN landbridge.extents.stale IS
    'An item at the edge was deleted; the next reader computes the extent again.';
COMMENT ON TABLE landbridge.base_item_assets IS
    'The members of a base item''s assets that decide which assets are files; base items never change.';
COMMENT ON COLUMN landbridge.base_item_assets.collection_key IS 'pgstac.collections.key';
COMMENT ON COLUMN landbridge.base_item_assets.base_item_id IS 'pgstac.base_items.id; 0 for items without one.';
COMMENT ON TABLE landbridge.tokens IS 'API tokens. Only the digest of the secret is stored.';
COMMENT ON TABLE landbridge.audit IS 'Log of all writes that were tried; rows are only ever added.';
COMMENT ON TABLE landbridge.grants IS
    'The strongest role of each subject with each collection, from its access lists; kept by a trigger.';
COMMENT ON TABLE landbridge.blob_grants IS
    'Who may read each blob, and where its data is; kept by triggers on item_stats.';
COMMENT ON COLUMN landbridge.blob_grants.collection_key IS 'pgstac.collections.key';
COMMENT ON COLUMN landbridge.blob_grants.href IS 'Of data in our store; NULL if the data lies elsewhere.';
COMMENT ON TABLE landbridge.stored_objects IS
    'Size and organization of each object of the store, for quotas. Not read from items: their writers may change those.';
