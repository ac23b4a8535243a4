-- Counters of items, which the functions of `../functions/item_counts.sql` keep.

-- No writer may add an item between the first count and the triggers that follow it.
LOCK TABLE landbridge.item_stats IN SHARE ROW EXCLUSIVE MODE;

ALTER TABLE landbridge.item_stats ADD COLUMN end_datetime timestamptz;
COMMENT ON COLUMN landbridge.item_stats.end_datetime IS 'Only of items with a period: if it is not datetime.';
UPDATE landbridge.item_stats s SET end_datetime = i.end_datetime
FROM pgstac.items i JOIN pgstac.collections c ON c.id = i.collection
WHERE i.end_datetime <> i.datetime AND s.collection_key = c.key AND s.id = i.id;

CREATE TABLE landbridge.item_counts (
    period text NOT NULL CHECK (period IN ('day', 'month', 'all')),
    collection_key bigint NOT NULL,
    start date NOT NULL,
    items bigint NOT NULL,
    bytes numeric NOT NULL,
    periods bigint NOT NULL,
    PRIMARY KEY (period, collection_key, start)
) WITH (fillfactor = 80);
COMMENT ON TABLE landbridge.item_counts IS
    'Number of items of each collection by day, by month and in all, without the changes of item_count_changes.';
COMMENT ON COLUMN landbridge.item_counts.collection_key IS 'pgstac.collections.key';
COMMENT ON COLUMN landbridge.item_counts.start IS 'First day of the period in UTC; -infinity for all.';
COMMENT ON COLUMN landbridge.item_counts.bytes IS 'Size of the files of the items.';
COMMENT ON COLUMN landbridge.item_counts.periods IS 'Number of items whose end is not their datetime.';

CREATE TABLE landbridge.item_count_changes (
    collection_key bigint NOT NULL,
    day date NOT NULL,
    items bigint NOT NULL,
    bytes numeric NOT NULL,
    periods bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX item_count_changes_day ON landbridge.item_count_changes (collection_key, day);
COMMENT ON TABLE landbridge.item_count_changes IS
    'Changes that are not yet in item_counts. Writers only add rows, so that none waits for another.';
COMMENT ON COLUMN landbridge.item_count_changes.collection_key IS 'pgstac.collections.key';
COMMENT ON COLUMN landbridge.item_count_changes.day IS 'Day of the datetime of the items in UTC.';

INSERT INTO landbridge.item_count_changes
SELECT collection_key, (datetime AT TIME ZONE 'UTC')::date, count(*), sum(bytes), count(end_datetime)
FROM landbridge.item_stats GROUP BY 1, 2;
