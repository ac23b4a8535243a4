-- New images of products with a subscription, which the trigger of `item_stats.sql` records in `new_images`.

-- Put a collection's recorded images in their order: that of their transactions. A row is left for later while a
-- transaction that began before its own is running. Images that replaced others are not new.
CREATE OR REPLACE FUNCTION landbridge.order_new_images(owner text) RETURNS void AS $$
BEGIN
    -- Positions have to be given by one caller at a time.
    PERFORM pg_advisory_xact_lock(hashtextextended('new images of ' || owner, 0));
    WITH finished AS MATERIALIZED (
        SELECT n.id, n.transaction_id, n.item, n.deleted FROM landbridge.new_images AS n
        WHERE n.collection = owner AND n.position IS NULL AND (
            n.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
            -- The number of another cluster, of which this one is a restored dump.
            OR n.transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))
    ), new AS MATERIALIZED (
        SELECT f.id, f.transaction_id FROM finished AS f
        WHERE NOT f.deleted AND NOT EXISTS (
            SELECT FROM finished AS d
            WHERE d.deleted AND d.transaction_id = f.transaction_id AND d.item = f.item AND d.id < f.id)
    ), dropped AS (
        DELETE FROM landbridge.new_images AS n USING finished AS f
        WHERE n.collection = owner AND n.position IS NULL AND n.id = f.id
            AND f.id NOT IN (SELECT new.id FROM new)
    )
    UPDATE landbridge.new_images AS n SET position = placed.position
    FROM (
        SELECT ordered.id, nextval('landbridge.new_image_positions') AS position
        FROM (SELECT new.id FROM new ORDER BY new.transaction_id, new.id) AS ordered
    ) AS placed
    WHERE n.collection = owner AND n.position IS NULL AND n.id = placed.id;
END;
$$ LANGUAGE plpgsql;

-- Return the number of the newest recorded image.
CREATE OR REPLACE FUNCTION landbridge.newest_image() RETURNS bigint AS $$
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM landbridge.new_images_id_seq;
$$ LANGUAGE sql;
