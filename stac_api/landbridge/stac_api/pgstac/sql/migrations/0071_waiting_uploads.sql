-- The priority of an upload depends on how many others of its user wait.
CREATE INDEX uploads_waiting ON landbridge.uploads (username) WHERE status IN ('pending', 'running');
