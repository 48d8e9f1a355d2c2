#!/bin/sh
# Installs Airflow with PostgreSQL on this Debian, from the project's folders beside deploy/:
#
#   sudo deploy/systemd/install.sh PROJECT
#
# It may be interrupted and run again: what exists stays, above all /etc/ventas/airflow.env with its secrets.
set -eu
project=${1:?"install.sh PROJECT: give the id of the Google Cloud project"}
root=${DESTDIR:-} # a test's folder in place of /
source=$(cd "$(dirname "$0")/../.." && pwd)
home=$root/srv/ventas
settings=$root/etc/ventas/airflow.env

say() {
    echo "ventas: $*"
}

secret() {
    openssl rand -hex 32
}

say "packages"
apt-get update --quiet --quiet
DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends postgresql python3-venv
id airflow >/dev/null 2>&1 || useradd --system --home-dir /var/lib/airflow --shell /usr/sbin/nologin airflow
install -d -m 0700 -o airflow -g airflow "$root/var/lib/airflow"

say "the project, in $home"
mkdir -p "$home"
for folder in dags plugins include texts; do
    rm -rf "${home:?}/$folder"
    cp -R "$source/$folder" "$home"
done
[ -x "$home/.venv/bin/pip" ] || python3 -m venv "$home/.venv"
"$home/.venv/bin/pip" install --quiet --require-hashes -r "$source/deploy/image/requirements.txt"
"$home/.venv/bin/pip" install --quiet apache-airflow-providers-postgres psycopg2-binary asyncpg

say "settings, in $settings"
mkdir -p "$root/etc/ventas"
if [ ! -e "$settings" ]; then
    (
        umask 077
        # The file gets its name when it is complete.
        sed -e "s/my-project/$project/g" -e "s#airflow:\.\.\.@#airflow:$(secret)@#" \
            -e "s#^\(AIRFLOW__CORE__FERNET_KEY\)=.*#\1=$(openssl rand -base64 32 | tr '+/' '-_')#" \
            -e "s/^\(AIRFLOW__API__SECRET_KEY\)=.*/\1=$(secret)/" \
            -e "s/^\(AIRFLOW__API_AUTH__JWT_SECRET\)=.*/\1=$(secret)/" \
            -e 's/, "impersonation_chain": "[^"]*"//' \
            "$source/deploy/systemd/airflow.env" >"$settings.new"
        mv "$settings.new" "$settings"
    )
fi

say "the database"
# By standard input: other users see the arguments of a process.
runuser -u postgres -- psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 <<END
SELECT 'CREATE ROLE airflow LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'airflow') \gexec
SELECT 'CREATE DATABASE airflow OWNER airflow' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'airflow') \gexec
ALTER ROLE airflow PASSWORD '$(sed -n 's#.*://airflow:\([^@]*\)@.*#\1#p' "$settings")';
END

say "the units"
cp -R "$source"/deploy/systemd/ventas-* "$root/etc/systemd/system/"
install -D -m 0755 "$source/deploy/systemd/airflow.sh" "$root/usr/local/bin/ventas-airflow"
systemctl daemon-reload
"$root/usr/local/bin/ventas-airflow" db migrate
systemctl enable --quiet ventas-airflow.target
systemctl restart ventas-airflow.target

say "the DAGs that do not import"
"$root/usr/local/bin/ventas-airflow" dags reserialize >/dev/null
"$root/usr/local/bin/ventas-airflow" dags list-import-errors
say "Airflow runs; the passwords of its users are in /var/lib/airflow/passwords.json"
