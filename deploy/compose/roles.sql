-- The roles of a database that several crawlers share: run once by whoever administers the server, in psql 14 or later:
--   PYTOMO_PASSWORD=... PYTOMO_READER_PASSWORD=... psql -f roles.sql "postgresql://postgres@db.example/postgres"
-- compose.yaml runs it when its database is made.
\set ON_ERROR_STOP on
\getenv crawler_password PYTOMO_PASSWORD
\getenv reader_password PYTOMO_READER_PASSWORD

-- Crawlers: owner of their one database (they create and migrate its tables), and nothing else on the server.
CREATE ROLE pytomo LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'crawler_password';
-- The web page, Grafana and you with psql: reads.
CREATE ROLE pytomo_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'reader_password';

CREATE DATABASE pytomo OWNER pytomo;
REVOKE ALL ON DATABASE pytomo FROM PUBLIC;
GRANT CONNECT ON DATABASE pytomo TO pytomo_reader;

\connect pytomo
-- Before PostgreSQL 15 everybody may create tables here.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO pytomo;
GRANT USAGE ON SCHEMA public TO pytomo_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE pytomo IN SCHEMA public GRANT SELECT ON TABLES TO pytomo_reader;
