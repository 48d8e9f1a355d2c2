#!/bin/sh
# Puts TLS before Druid's router on this VM, at port 9088, and prints the certificate that clients must trust:
#
#   sudo sh install.sh NAME >druid-ca.pem
#
# NAME is the VM's name in the connections. Run again, it keeps the certificate, unless it ends within 30 days.
set -eu
name=${1:?"install.sh NAME: give the host of Druid's connections"}
folder=${DESTDIR:-}/etc/stunnel # DESTDIR: a test's folder in place of /

DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends stunnel4 >&2
umask 077
mkdir -p "$folder"
if ! openssl x509 -in "$folder/druid.pem" -checkend 2592000 -noout >/dev/null 2>&1; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 398 -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name" -keyout "$folder/druid.new" -out "$folder/druid.crt" 2>/dev/null
    cat "$folder/druid.crt" >>"$folder/druid.new"
    mv "$folder/druid.new" "$folder/druid.pem"
fi
cat >"$folder/druid.conf" <<END
[druid]
accept = 9088
connect = 127.0.0.1:8888
cert = /etc/stunnel/druid.pem
sslVersionMin = TLSv1.2
END
systemctl enable --quiet stunnel@druid.service
systemctl restart stunnel@druid.service
openssl x509 -in "$folder/druid.pem"
