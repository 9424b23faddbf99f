"""Airflow 3: the nightly jobs one after the other, and parity in the morning. Copy this file to the folder of DAGs.

Mails need the connection smtp_default.
"""

from datetime import datetime, timedelta

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, chain

# What changes the log comes before what reads it. A task that fails ends the chain; after a red audit, nothing has been
# published.
NIGHTLY = [
    "backfill",
    "reconcile",
    "marts",
    "push-entities --mode refresh",
    "push-user-metrics --mode overwrite",
    "push-user-reactions --mode overwrite --ttl 172800",
]
PARITY = ["parity"]
RUN = (
    "cd /opt/entity-metrics && set -a && . /etc/entity-metrics/environment && exec .venv/bin/python scripts/run_job.py"
)

for name, schedule, jobs in (("nightly", "17 3 * * *", NIGHTLY), ("parity", "17 7 * * *", PARITY)):
    with DAG(
        f"entity_metrics_{name}",
        schedule=schedule,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        max_active_runs=1,
        default_args={
            "execution_timeout": timedelta(hours=6),
            "on_failure_callback": SmtpNotifier(from_email="airflow@localhost", to="metrics-oncall@localhost"),
        },
    ) as dag:
        chain(*(BashOperator(task_id=job.split()[0], bash_command=f"{RUN} {job}") for job in jobs))
    globals()[dag.dag_id] = dag
