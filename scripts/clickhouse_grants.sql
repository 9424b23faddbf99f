-- The least that dbt needs in ClickHouse, for a user metrics_dbt, models in the database metrics and the event
-- log default.entityMetricEvents. The sandbox has such a user, and scripts/test runs the backfill as it.

-- Models, the tables of a run, the lock and the ledgers.
grant create database, show, select, insert, create table, create view, drop table, drop view, truncate, alter table, alter view on metrics.*;
grant table engine on MergeTree;
grant table engine on Memory;

-- The PostgreSQL-engine tables, and reading through them.
grant create database, show, select, create table, drop table on metrics_postgres.*;
grant table engine on PostgreSQL;
grant postgres on *.*;
grant named collection on postgres_source;
grant show named collections on postgres_source;
grant select on system.named_collections;

-- The event log: read, and written by attaching partitions; alter delete only for on_conflict: replace. Beside it the claim,
-- an empty table that says which database's models publish into the log.
grant show, select, insert, alter delete on default.entityMetricEvents;
grant show, select, create table, drop table on default.entityMetricEvents_claim;

-- The application's own ClickHouse tables.
grant select on default.modelVersionEvents;
grant select on default.buzz_resource_compensation;
grant select on orchestration.jobs;

-- The roll-up: which months of the event log have changed.
grant select on system.parts;

-- What tests of parity found, kept in tables.
grant create database, show, select, insert, create table, drop table on metrics_failures.*;

-- Unit tests (dbt test, dbt build): they run on temporary tables.
grant create temporary table on *.*;
