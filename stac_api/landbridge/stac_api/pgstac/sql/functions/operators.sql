-- Operators and functions of CQL2 on JSON values, numbers and text.

-- Return -1, 0 or 1 for less, equal or more; NULL for values of different types and for types without an order.
-- Equal arrays compare as equal; other arrays have no order.
CREATE OR REPLACE FUNCTION landbridge.compare_json(a jsonb, b jsonb) RETURNS integer AS $$
    SELECT CASE
        WHEN jsonb_typeof(a) IS DISTINCT FROM jsonb_typeof(b) THEN NULL
        WHEN jsonb_typeof(a) = 'string' THEN CASE
            WHEN (a #>> '{}') COLLATE "C" < (b #>> '{}') THEN -1
            WHEN a = b THEN 0 ELSE 1 END
        WHEN jsonb_typeof(a) IN ('number', 'boolean') THEN CASE
            WHEN a < b THEN -1 WHEN a = b THEN 0 ELSE 1 END
        WHEN jsonb_typeof(a) = 'array' AND a = b THEN 0
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- NULL for values of different types and for objects.
CREATE OR REPLACE FUNCTION landbridge.json_equal(a jsonb, b jsonb) RETURNS boolean AS $$
    SELECT CASE
        WHEN jsonb_typeof(a) IS DISTINCT FROM jsonb_typeof(b) THEN NULL
        WHEN jsonb_typeof(a) IN ('string', 'number', 'boolean', 'array') THEN a = b
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- True if sums, products and quotients of two such numbers can neither overflow nor underflow.
CREATE OR REPLACE FUNCTION landbridge.is_safe_float(value double precision) RETURNS boolean AS $$
    SELECT value = 0 OR abs(value) BETWEEN 1e-150 AND 1e150;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Arithmetic without errors: NULL if the result is undefined or a double cannot hold it.
CREATE OR REPLACE FUNCTION landbridge.safe_arithmetic(operator text, a double precision, b double precision)
RETURNS double precision AS $$
    SELECT CASE
        WHEN NOT landbridge.is_safe_float(a) OR NOT landbridge.is_safe_float(b) THEN NULL
        WHEN operator = '+' THEN a + b
        WHEN operator = '-' THEN a - b
        WHEN operator = '*' THEN a * b
        WHEN operator = '/' THEN a / nullif(b, 0)
        WHEN operator = 'div' THEN trunc(a / nullif(b, 0))
        WHEN operator = '%' THEN a - b * trunc(a / nullif(b, 0))
        WHEN operator = '^' AND a = 0 THEN CASE WHEN b = 0 THEN 1 WHEN b > 0 THEN 0 END
        WHEN operator = '^' AND (a > 0 OR b = trunc(b)) AND abs(b * ln(abs(a))) < 690
            THEN a ^ b
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- CASEI of CQL2. A database with the C locale folds ASCII only, so ICU's rules are used if the server has ICU.
DO $do$
DECLARE
    collation_name text := coalesce(
        (SELECT 'pg_catalog.' || quote_ident(collname) FROM pg_collation
         WHERE collname IN ('und-x-icu', 'C.utf8', 'C.UTF-8') AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
         ORDER BY collname = 'und-x-icu' DESC LIMIT 1),
        'pg_catalog."default"'
    );
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION landbridge.fold_case(value text) RETURNS text AS '
        '$$ SELECT lower(value COLLATE %s) COLLATE "C" $$ LANGUAGE sql IMMUTABLE PARALLEL SAFE', collation_name
    );
END;
$do$;

-- ACCENTI of CQL2: decompose the letters and remove the combining marks.
CREATE OR REPLACE FUNCTION landbridge.strip_accents(value text) RETURNS text AS $$
    SELECT regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g') COLLATE "C";
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;
