truncate table {application:Identifier}.entityMetricEvents;
truncate table {application:Identifier}.modelVersionEvents;
truncate table {orchestration:Identifier}.jobs;
truncate table {application:Identifier}.buzz_resource_compensation;
