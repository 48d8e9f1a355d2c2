#!/bin/sh
# Makes `.env` for docker-compose.yaml: a random value for every secret that .env.example names.
# What has a value keeps it, so run it again after an update that brought a new secret.
set -eu
umask 077
cd "$(dirname "$0")"

[ -e .env ] || echo "# Made by make-env.sh; .env.example says what each is for." > .env
chmod 600 .env
# A last line that somebody left open would run into the next.
[ -z "$(tail -c 1 .env)" ] || echo >> .env

made=
for name in $(sed -n 's/^\([A-Z_]*\)=$/\1/p' .env.example); do
    if grep -q "^$name=." .env; then
        continue
    fi
    case $name in
        *FERNET*) value=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_') ;;
        # Letters and digits only: some go into a URL or a quoted string.
        *) value=$(head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n') ;;
    esac
    # Without this a pipe that broke off would leave a short or empty secret.
    if [ "${#value}" -lt 44 ]; then
        echo "make-env.sh: no random value for $name: head, od, base64 or tr failed." >&2
        exit 1
    fi
    echo "$name=$value" >> .env
    made="$made $name"
done
echo "made in .env:${made:- nothing, every secret has a value}"
