-- What dbt needs beside clickhouse_grants.sql if the event log is Distributed over default.entityMetricEvents_local. If the
-- cluster passes on who asks (<secret>), the user and these grants must be on each of its nodes.

-- To ask the nodes of the cluster: whether they answer, and what their tables are like.
grant select on system.clusters to metrics_dbt;
grant read on remote to metrics_dbt;

-- Inserting through the log.
grant write on remote to metrics_dbt;

-- On each node: the table that holds its events, its parts, and the inserts into it.
grant show, select, insert on default.entityMetricEvents_local to metrics_dbt;
grant select on system.parts to metrics_dbt;
