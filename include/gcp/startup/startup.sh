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
fetched=$(mktemp)
packed=$(mktemp)
trap 'rm -rf "$fetched" "$packed" "$files.new"' EXIT

# No pipe: a shell sees only the failure of its last command, and a fetch that broke off would have
# replaced the files of the last boot by nothing.
curl --fail --silent --show-error --retry 5 --retry-connrefused --output "$fetched" \
    --header 'Metadata-Flavor: Google' \
    "${METADATA_URL:-http://metadata.google.internal}/computeMetadata/v1/instance/attributes/ventas-files"
base64 --decode "$fetched" >"$packed"

if ! cmp -s "$packed" "$files/files.tar.gz"; then
    rm -rf "$files.new"
    mkdir -p "$files.new"
    tar -xzf "$packed" -C "$files.new"
    cp "$packed" "$files.new/files.tar.gz"
    rm -rf "$files"
    mv "$files.new" "$files"
fi
if ! cmp -s "$files/system/etc/systemd/system/$unit" "/etc/systemd/system/$unit"; then
    cp "$files/system/etc/systemd/system/$unit" "/etc/systemd/system/$unit"
    systemctl daemon-reload
fi
# Its output is on the serial console, and a failure is a failed unit.
systemctl restart "$unit"
