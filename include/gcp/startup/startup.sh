#!/bin/sh
# Compute Engine runs this script as root at every boot. It unpacks the project's files and starts the
# unit that sets Druid up.
set -eu

# A test sets METADATA_URL here, to replace Google's metadata server.
if [ -r /etc/default/ventas ]; then
    # shellcheck source=/dev/null
    . /etc/default/ventas
fi

files=/opt/ventas
unit=ventas-setup.service
fetched=$(mktemp)
packed=$(mktemp)
trap 'rm -rf "$fetched" "$packed" "$files.new"' EXIT

# No pipe: the shell would see only the last command's failure, and an interrupted download would
# replace the files of the last boot.
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
# The unit's output goes to the serial console; if the script fails, the unit fails.
systemctl restart "$unit"
