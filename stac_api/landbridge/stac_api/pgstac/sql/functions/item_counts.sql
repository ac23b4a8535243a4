-- Counters of items by collection and day. Each statement that changes `item_stats` adds rows to
-- `item_count_changes` in its own transaction; workers merge these into `item_counts`. The sum of both tables is
-- exact in every snapshot, and no writer waits for another.

CREATE OR REPLACE FUNCTION landbridge.record_item_counts() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO landbridge.item_count_changes
        SELECT collection_key, (datetime AT TIME ZONE 'UTC')::date, count(*), sum(bytes), count(end_datetime), count(*)
        FROM added GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO landbridge.item_count_changes
        SELECT collection_key, (datetime AT TIME ZONE 'UTC')::date, -count(*), -sum(bytes), -count(end_datetime),
               count(*)
        FROM removed GROUP BY 1, 2;
    ELSE
        INSERT INTO landbridge.item_count_changes
        -- Also if no counter changes: the item does.
        SELECT collection_key, (datetime AT TIME ZONE 'UTC')::date, sum(n), sum(n * bytes), sum(n * period),
               count(*) FILTER (WHERE n = 1)
        FROM (
            SELECT collection_key, datetime, bytes, (end_datetime IS NOT NULL)::int AS period, 1 AS n FROM added
            UNION ALL
            SELECT collection_key, datetime, bytes, (end_datetime IS NOT NULL)::int, -1 FROM removed
        ) AS changed
        GROUP BY 1, 2;
    END IF;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_item_counts_insert AFTER INSERT ON landbridge.item_stats
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION landbridge.record_item_counts();
CREATE OR REPLACE TRIGGER landbridge_item_counts_update AFTER UPDATE ON landbridge.item_stats
REFERENCING OLD TABLE AS removed NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.record_item_counts();
CREATE OR REPLACE TRIGGER landbridge_item_counts_delete AFTER DELETE ON landbridge.item_stats
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION landbridge.record_item_counts();

CREATE OR REPLACE FUNCTION landbridge.truncate_item_counts() RETURNS trigger AS $$
BEGIN
    TRUNCATE landbridge.item_counts, landbridge.item_count_changes;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_item_counts_truncate AFTER TRUNCATE ON landbridge.item_stats
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.truncate_item_counts();

-- Held by the one transaction that merges changes, or deletes counters.
CREATE OR REPLACE FUNCTION landbridge.item_counts_lock() RETURNS bigint AS $$
    SELECT hashtextextended('landbridge.item_counts', 0);
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Move at most `most` changes into `item_counts`, and return their number: 0 also if another transaction does it.
CREATE OR REPLACE FUNCTION landbridge.merge_item_counts(most int) RETURNS bigint AS $$
DECLARE
    number bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(landbridge.item_counts_lock()) THEN
        RETURN 0;
    END IF;
    WITH merged AS (
        DELETE FROM landbridge.item_count_changes
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM landbridge.item_count_changes LIMIT most))
        RETURNING *
    ), stored AS (
        INSERT INTO landbridge.item_counts AS c
        SELECT p.period, m.collection_key, p.start, sum(m.items), sum(m.bytes), sum(m.periods), sum(m.changes)
        FROM merged m, LATERAL (VALUES
            ('day', m.day), ('month', date_trunc('month', m.day::timestamp)::date), ('all', '-infinity'::date)
        ) AS p (period, start)
        GROUP BY 1, 2, 3
        ON CONFLICT (period, collection_key, start) DO UPDATE SET
            items = c.items + excluded.items, bytes = c.bytes + excluded.bytes,
            periods = c.periods + excluded.periods, changes = c.changes + excluded.changes
    )
    SELECT count(*) INTO number FROM merged;
    RETURN number;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

-- Delete the counters of a collection that is being deleted.
CREATE OR REPLACE FUNCTION landbridge.delete_item_counts(key bigint) RETURNS void AS $$
BEGIN
    -- A merge that runs meanwhile would leave its rows.
    PERFORM pg_advisory_xact_lock(landbridge.item_counts_lock());
    DELETE FROM landbridge.item_count_changes WHERE collection_key = delete_item_counts.key;
    DELETE FROM landbridge.item_counts WHERE collection_key = delete_item_counts.key;
END;
$$ LANGUAGE plpgsql;

-- Return the collections whose counters, or rows of `item_stats`, are not those of their items.
CREATE OR REPLACE FUNCTION landbridge.wrong_item_counts()
RETURNS TABLE (collection text, items bigint, rows bigint, counted bigint) AS $$
    WITH items AS (
        SELECT i.collection, count(*) AS items FROM pgstac.items i GROUP BY 1
    ), stats AS (
        SELECT s.collection_key, (s.datetime AT TIME ZONE 'UTC')::date AS day, count(*) AS items,
               sum(s.bytes) AS bytes, count(s.end_datetime) AS periods
        FROM landbridge.item_stats s GROUP BY 1, 2
    ), expected AS (
        SELECT p.period, s.collection_key, p.start, sum(s.items) AS items, sum(s.bytes) AS bytes,
               sum(s.periods) AS periods
        FROM stats s, LATERAL (VALUES
            ('day', s.day), ('month', date_trunc('month', s.day::timestamp)::date), ('all', '-infinity'::date)
        ) AS p (period, start)
        GROUP BY 1, 2, 3
    ), kept AS (
        SELECT period, collection_key, start, sum(items) AS items, sum(bytes) AS bytes, sum(periods) AS periods
        FROM (
            SELECT c.period, c.collection_key, c.start, c.items, c.bytes, c.periods FROM landbridge.item_counts c
            UNION ALL
            SELECT p.period, m.collection_key, p.start, m.items, m.bytes, m.periods
            FROM landbridge.item_count_changes m, LATERAL (VALUES
                ('day', m.day), ('month', date_trunc('month', m.day::timestamp)::date),
                ('all', '-infinity'::date)
            ) AS p (period, start)
        ) AS both_tables
        GROUP BY 1, 2, 3
    ), wrong AS (
        SELECT DISTINCT collection_key FROM expected e FULL JOIN kept k USING (period, collection_key, start)
        WHERE (coalesce(e.items, 0), coalesce(e.bytes, 0), coalesce(e.periods, 0))
            <> (coalesce(k.items, 0), coalesce(k.bytes, 0), coalesce(k.periods, 0))
    ), totals AS (
        SELECT s.collection_key, sum(s.items)::bigint AS items FROM stats s GROUP BY 1
    )
    SELECT c.id, coalesce(i.items, 0), coalesce(t.items, 0),
           coalesce((SELECT k.items FROM kept k WHERE k.period = 'all' AND k.collection_key = c.key), 0)::bigint
    FROM pgstac.collections c
    LEFT JOIN items i ON i.collection = c.id
    LEFT JOIN totals t ON t.collection_key = c.key
    WHERE coalesce(i.items, 0) <> coalesce(t.items, 0) OR c.key IN (SELECT w.collection_key FROM wrong w)
    ORDER BY 1;
$$ LANGUAGE sql STABLE SET search_path TO pgstac, public;

-- Make `item_stats` have the rows of the items, and the counters those of `item_stats`. Writers wait meanwhile.
CREATE OR REPLACE FUNCTION landbridge.repair_item_counts() RETURNS void AS $$
BEGIN
    -- In the order in which the deletion of a collection takes them.
    LOCK TABLE pgstac.items, landbridge.item_stats IN SHARE ROW EXCLUSIVE MODE;
    PERFORM pg_advisory_xact_lock(landbridge.item_counts_lock());
    DELETE FROM landbridge.item_stats s WHERE NOT EXISTS (
        SELECT FROM pgstac.collections c JOIN pgstac.items i ON i.collection = c.id
        WHERE c.key = s.collection_key AND i.id = s.id);
    INSERT INTO landbridge.item_stats
    SELECT (landbridge.stats_of_item(i)).* FROM pgstac.items i JOIN pgstac.collections c ON c.id = i.collection
    WHERE NOT EXISTS (
        SELECT FROM landbridge.item_stats s WHERE s.collection_key = c.key AND s.id = i.id);
    -- The number of changes goes on from that before, since items may have changed unseen.
    WITH recorded AS (
        DELETE FROM landbridge.item_count_changes RETURNING collection_key, changes
    ), counted AS (
        DELETE FROM landbridge.item_counts RETURNING collection_key, period, changes
    ), before AS (
        SELECT collection_key, sum(changes) AS changes FROM (
            SELECT collection_key, changes FROM recorded
            UNION ALL SELECT collection_key, changes FROM counted WHERE period = 'all'
        ) AS both_tables
        GROUP BY 1
    )
    INSERT INTO landbridge.item_count_changes
    SELECT s.collection_key, (s.datetime AT TIME ZONE 'UTC')::date, count(*), sum(s.bytes), count(s.end_datetime),
           count(*) + coalesce(max(b.changes), 0)
    FROM landbridge.item_stats s LEFT JOIN before b USING (collection_key) GROUP BY 1, 2;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;
