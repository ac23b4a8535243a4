-- Partitions of a period take all its times, so the ends of the items no longer matter.
DROP FUNCTION IF EXISTS landbridge.create_partitions(text, timestamptz[], timestamptz[]);
