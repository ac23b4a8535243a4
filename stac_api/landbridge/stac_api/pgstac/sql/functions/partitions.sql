-- Partitions of pgstac's `items`: one or more for each collection.

-- Wait until no other transaction creates or drops partitions. Doing so locks `items` and `collections` in an
-- order in which two transactions would deadlock, and pgstac ignores that error.
CREATE OR REPLACE FUNCTION landbridge.lock_partitions() RETURNS void AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('landbridge partitions', 0));
$$ LANGUAGE sql;

-- Create the partitions that items with these times need. A collection without a partition period gets one
-- partition for all times, so that no later write has to widen its constraint under a lock.
CREATE OR REPLACE FUNCTION landbridge.create_partitions(
    collection_id text, starts timestamptz[] DEFAULT '{}', ends timestamptz[] DEFAULT '{}'
) RETURNS void AS $$
DECLARE
    period text := (SELECT partition_trunc FROM pgstac.collections WHERE id = collection_id);
    all_times tstzrange := tstzrange('0001-01-01Z', '9999-12-31T23:59:59.999999Z', '[]');
BEGIN
    PERFORM landbridge.lock_partitions();
    IF period IS NULL THEN
        PERFORM pgstac.check_partition(collection_id, all_times, all_times);
    ELSE
        PERFORM pgstac.check_partition(collection_id, tstzrange(min(s), max(s), '[]'), tstzrange(min(e), max(e), '[]'))
        FROM unnest(starts, ends) AS t(s, e) GROUP BY date_trunc(period, s) ORDER BY min(s);
    END IF;
END;
$$ LANGUAGE plpgsql SET search_path TO pgstac, public SET timezone TO 'UTC';
