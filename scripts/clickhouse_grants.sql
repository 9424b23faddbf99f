-- The least that dbt needs in ClickHouse, for a user metrics_dbt, models in the database metrics and the event
-- log default.entityMetricEvents. The sandbox has such a user, and scripts/test runs the backfill as it.

-- Models, the tables of a run, the lock and the ledgers.
grant create database, show, select, insert, create table, create view, drop table, drop view, truncate, alter table, alter view on metrics.* to metrics_dbt;
grant table engine on MergeTree to metrics_dbt;
grant table engine on Memory to metrics_dbt;

-- The PostgreSQL-engine tables, and reading through them.
grant create database, show, select, create table, drop table on metrics_postgres.* to metrics_dbt;
grant table engine on PostgreSQL to metrics_dbt;
grant postgres on *.* to metrics_dbt;
grant named collection on postgres_source to metrics_dbt;
grant show named collections on postgres_source to metrics_dbt;
grant select on system.named_collections to metrics_dbt;

-- The event log: read, and written by attaching partitions; alter delete only for on_conflict: replace. Beside it the claim,
-- an empty table that says which database's models publish into the log.
grant show, select, insert, alter delete on default.entityMetricEvents to metrics_dbt;
grant show, select, create table, drop table on default.entityMetricEvents_claim to metrics_dbt;

-- The application's own ClickHouse tables.
grant select on default.modelVersionEvents to metrics_dbt;
grant select on default.buzz_resource_compensation to metrics_dbt;
grant select on orchestration.jobs to metrics_dbt;

-- The roll-up: which months of the event log have changed.
grant select on system.parts to metrics_dbt;

-- What tests of parity found, kept in tables.
grant create database, show, select, insert, create table, drop table on metrics_failures.* to metrics_dbt;

-- Unit tests (dbt test, dbt build): they run on temporary tables.
grant create temporary table on *.* to metrics_dbt;
