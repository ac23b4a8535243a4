-- What the store keeps, and whose it is: a row for each object, from the transaction in which an item gets it until
-- it is deleted. What items say of their files is not asked: their writers may change that.
CREATE TABLE landbridge.stored (
    path text COLLATE "C" PRIMARY KEY,
    org text NOT NULL,
    bytes bigint NOT NULL
);
CREATE INDEX stored_org ON landbridge.stored (org) INCLUDE (bytes);

-- What is there already. Paths of images and blobs need no decoding unless a product's id has odd characters.
INSERT INTO landbridge.stored
SELECT substr(asset.value->>'href', 9),
    split_part(CASE WHEN item.collection LIKE 'blobs:%'
        THEN item.content->'properties'->>'catalog:namespace' ELSE item.collection END, ':', 1),
    (asset.value->>'file:size')::numeric::bigint
FROM pgstac.items AS item, jsonb_each(item.content->'assets') AS asset
WHERE jsonb_typeof(item.content->'assets') = 'object' AND jsonb_typeof(asset.value) = 'object'
  AND starts_with(asset.value->>'href', '/assets/') AND jsonb_typeof(asset.value->'file:size') = 'number'
  AND (item.collection LIKE 'blobs:%' OR strpos(item.collection, ':') > 1)
  AND split_part(coalesce(item.content->'properties'->>'catalog:namespace', 'x'), ':', 1) <> ''
ON CONFLICT (path) DO NOTHING;
