#!/bin/bash
# Makes the roles of the server and of the object store, at the first start of the database. Neither is a superuser.
set -euo pipefail
secrets=${SECRETS:-/run/secrets}

psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-landbridge}" \
    --set landbridge="$(<"$secrets/database_password")" --set store="$(<"$secrets/store_database_password")" <<'END'
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE ROLE landbridge LOGIN CREATEROLE PASSWORD :'landbridge';
-- pgstac's migrations make these roles unless they exist, and hand tables to them, which needs their membership.
CREATE ROLE pgstac_admin;
CREATE ROLE pgstac_read;
CREATE ROLE pgstac_ingest;
GRANT pgstac_admin, pgstac_read, pgstac_ingest TO landbridge WITH ADMIN OPTION;
ALTER DATABASE landbridge OWNER TO landbridge;
CREATE ROLE seaweedfs LOGIN PASSWORD :'store' CONNECTION LIMIT 30;
CREATE DATABASE seaweedfs OWNER seaweedfs;
REVOKE CONNECT ON DATABASE landbridge, seaweedfs FROM PUBLIC;
END
