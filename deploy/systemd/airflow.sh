#!/bin/sh
# Airflow's command line with the settings of its units: `sudo ventas-airflow dags list-import-errors`. systemd
# reads the file of settings, in which a shell would take JSON's quotes away.
exec systemd-run --quiet --pipe --wait --collect --uid=airflow --gid=airflow \
    --property=EnvironmentFile=/etc/ventas/airflow.env --property=WorkingDirectory=/srv/ventas \
    /srv/ventas/.venv/bin/airflow "$@"
