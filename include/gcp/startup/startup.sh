#!/bin/sh
# Compute Engine runs this as root at every boot: unpack the project's files, then set Druid up.
set -eu

# Where the VM asks, if not Google (a test).
if [ -r /etc/default/ventas ]; then
    # shellcheck source=/dev/null
    . /etc/default/ventas
fi

files=/opt/ventas
unit=ventas-setup.service
packed=$(mktemp)
trap 'rm -f "$packed"' EXIT

curl --fail --silent --show-error --retry 5 --retry-connrefused \
    --header 'Metadata-Flavor: Google' \
    "${METADATA_URL:-http://metadata.google.internal}/computeMetadata/v1/instance/attributes/ventas-files" |
    base64 --decode >"$packed"

if ! cmp -s "$packed" "$files/files.tar.gz"; then
    rm -rf "$files"
    mkdir -p "$files"
    tar -xzf "$packed" -C "$files"
    cp "$packed" "$files/files.tar.gz"
fi
if ! cmp -s "$files/system/etc/systemd/system/$unit" "/etc/systemd/system/$unit"; then
    cp "$files/system/etc/systemd/system/$unit" "/etc/systemd/system/$unit"
    systemctl daemon-reload
fi
# Its output is on the serial console, and a failure is a failed unit.
systemctl restart "$unit"
