-- What dbt needs beside clickhouse_grants.sql if the event log is Distributed over default.entityMetricEvents_local. If the
-- nodes of the cluster pass on who asks (<secret>), the user and both files' grants are needed on each of them.

-- To ask the nodes whether they answer, what their tables are like, and whether they are still at an insert.
grant select on system.clusters to metrics_dbt;
grant select on system.tables to metrics_dbt;
grant select on system.processes to metrics_dbt;
grant remote on *.* to metrics_dbt;

-- The tables that hold the events.
grant show, select, insert on default.entityMetricEvents_local to metrics_dbt;
