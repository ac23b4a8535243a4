-- Partitions of pgstac's `items`: one for each collection, or one for each year or month of a large one.

-- Wait until no other transaction creates or drops partitions. Doing so locks `items` and `collections` in an
-- order in which two transactions would deadlock, and pgstac ignores that error.
CREATE OR REPLACE FUNCTION landbridge.lock_partitions() RETURNS void AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('landbridge partitions', 0));
$$ LANGUAGE sql;

-- All times that an item can have.
CREATE OR REPLACE FUNCTION landbridge.all_times() RETURNS tstzrange AS $$
    SELECT tstzrange('0001-01-01Z', '9999-12-31T23:59:59.999999Z', '[]');
$$ LANGUAGE sql IMMUTABLE SET timezone TO 'UTC';

-- Return the times of a year or month, or all times, as pgstac's check_partition takes them.
CREATE OR REPLACE FUNCTION landbridge.times_of_partition(period text, moment timestamptz) RETURNS tstzrange AS $$
    SELECT CASE WHEN period IS NULL THEN landbridge.all_times() ELSE tstzrange(
        date_trunc(period, moment),
        date_trunc(period, moment) + ('1 ' || period)::interval - interval '1 microsecond', '[]') END;
$$ LANGUAGE sql STABLE SET timezone TO 'UTC';

-- Create the partitions that items with these start times need. They take all times of their period, so that no
-- later write has to widen a constraint under a lock: two loads would then wait for each other's partitions.
CREATE OR REPLACE FUNCTION landbridge.create_partitions(collection_id text, starts timestamptz[] DEFAULT '{}')
RETURNS void AS $$
DECLARE
    period text := (SELECT partition_trunc FROM pgstac.collections WHERE id = collection_id);
    times tstzrange;
BEGIN
    PERFORM landbridge.lock_partitions();
    IF period IS NULL THEN
        PERFORM pgstac.check_partition(collection_id, landbridge.all_times(), landbridge.all_times());
    END IF;
    FOR times IN
        SELECT DISTINCT landbridge.times_of_partition(period, moment) FROM unnest(starts) AS moment
        WHERE period IS NOT NULL ORDER BY 1
    LOOP
        PERFORM pgstac.check_partition(collection_id, times, landbridge.all_times());
    END LOOP;
END;
$$ LANGUAGE plpgsql SET search_path TO pgstac, public SET timezone TO 'UTC';
