#!/bin/bash
# Install, configure and start Druid on this VM. Each step skips work that is already done, so a second
# run changes nothing. Errors in the VM's metadata are reported before any file of Druid is written.
set -euo pipefail
umask 022

readonly files=/opt/ventas
readonly staged=${RUNTIME_DIRECTORY:?}
readonly conf=/etc/druid
readonly home=/opt/druid
readonly data=/var/lib/druid
readonly run=/run/druid
readonly disk=/dev/disk/by-id/google-druid-data
readonly metadata=${METADATA_URL:-http://metadata.google.internal}/computeMetadata/v1/instance
readonly packages=(openjdk-17-jre-headless python3)

say() {
    echo "ventas: $*"
}

fail() {
    echo "ventas: ERROR: $*" >&2
    exit 1
}

attribute() {
    curl --fail --silent --show-error --retry 5 --header 'Metadata-Flavor: Google' \
        "$metadata/attributes/ventas-$1"
}

# After a boot, Debian's own timers may hold apt's locks for minutes.
apt_get() {
    local attempt
    for attempt in {1..60}; do
        if DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet \
            --option DPkg::Lock::Timeout=600 --option APT::Update::Error-Mode=any "$@" \
            >/dev/null 2>"$staged/apt"; then
            return
        fi
        grep --quiet 'Could not get lock' "$staged/apt" || break
        say "waiting for apt's lock ($attempt)"
        sleep 5
    done
    fail "apt-get $1 says: $(tail -n 1 "$staged/apt"); give the subnetwork a Cloud NAT to Debian's archive"
}

install_packages() {
    dpkg-query --show --showformat='${db:Status-Status}\n' "${packages[@]}" 2>/dev/null |
        grep --count --line-regexp installed | grep --quiet --line-regexp "${#packages[@]}" && return
    say "installing ${packages[*]}"
    dpkg --configure -a
    apt_get update
    apt_get install --yes --no-install-recommends "${packages[@]}"
}

# Writes $staged/druid and $staged/secrets.env.
render_configuration() {
    rm -rf "$staged/druid" "$staged/secrets.env"
    PYTHONPATH=$files PYTHONDONTWRITEBYTECODE=1 python3 -m include.gcp.guest "$staged"
}

install_druid() {
    local url sum archive=/var/tmp/druid.tar.gz
    url=$(attribute druid-url)
    sum=$(attribute druid-checksum)
    [[ $sum =~ ^([0-9a-f]{64}|[0-9a-f]{128})$ ]] ||
        fail "druid_checksum in the connection's extra must be a SHA-256 or SHA-512 in hexadecimal, not '$sum'"
    [[ ! -e $home/.checksum || $(<"$home/.checksum") != "$sum" ]] || return 0
    say "fetching $url"
    rm -rf "$archive" "$home.new"
    curl --fail --silent --show-error --location --retry 5 --output "$archive" "$url" ||
        fail "Druid could not be fetched from $url: correct druid_url in the connection's extra, or give the subnetwork a Cloud NAT"
    if ! echo "$sum  $archive" | "sha$((${#sum} * 4))sum" --check --status; then
        rm "$archive"
        fail "what $url gives has another checksum than $sum: nothing of it was kept; correct druid_checksum in the connection's extra"
    fi
    mkdir "$home.new"
    tar --extract --gzip --file "$archive" --directory "$home.new" --strip-components 1 --no-same-owner
    echo "$sum" >"$home.new/.checksum"
    rm -rf "$archive" "$home"
    mv "$home.new" "$home"
}

mount_data_disk() {
    if ! mountpoint --quiet "$data"; then
        # Format only a disk that was never written: a new disk contains only zeros.
        if cmp --quiet --bytes=1048576 "$disk" /dev/zero; then
            say "formatting the new data disk"
            mkfs.ext4 -q -m 0 -L druid-data "$disk"
        fi
        mkdir -p "$data"
        mount -t ext4 -o noatime,nodev,nosuid "$disk" "$data" ||
            fail "the data disk is neither new nor an ext4 file system: it was left as it is"
    fi
    # Somebody may have made the disk larger.
    resize2fs "$disk" >/dev/null 2>&1 || fail "the data disk's file system could not be grown: run e2fsck on it"
    id druid >/dev/null 2>&1 ||
        useradd --system --home-dir "$data" --no-create-home --shell /usr/sbin/nologin druid
    # On a new VM the user's number may differ from the one that wrote the disk.
    [[ $(stat --format %U "$data") == druid ]] || chown --recursive druid:druid "$data"
    [[ -d $data/tmp ]] || install --directory --owner druid --group druid "$data/tmp"
}

# Copy kernel settings and units, set the time zone, and reload systemd if something changed.
apply_system_files() {
    local name changed=
    while read -r name; do
        cmp --quiet "$files/system/$name" "/$name" && continue
        install -D --mode 0644 "$files/system/$name" "/$name"
        changed=yes
    done < <(cd "$files/system" && find . -type f | sort)
    [[ $(readlink /etc/localtime) == */Etc/UTC ]] || ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime
    [[ $changed ]] || return 0
    systemctl daemon-reload
    systemctl restart systemd-sysctl.service
    systemd-tmpfiles --create /etc/tmpfiles.d/druid.conf
}

apply_configuration() {
    if ! diff --recursive --brief "$staged/druid" "$conf" >/dev/null 2>&1; then
        rm -rf "$conf"
        cp --recursive "$staged/druid" "$conf"
    fi
    install --directory --mode 0700 "$run"
    cmp --quiet "$staged/secrets.env" "$run/secrets.env" ||
        install --mode 0600 "$staged/secrets.env" "$run/secrets.env"
}

start_druid() {
    local wanted
    wanted=$(cat "$home/.checksum" "$run/secrets.env" <(cat "$conf"/*/*) "$files/files.tar.gz" | sha256sum)
    if systemctl --quiet is-active druid.target && [[ $(cat "$run/started") == "$wanted" ]]; then
        say "Druid runs as it should: nothing to change"
        return
    fi
    systemctl restart druid.target
    echo "$wanted" >"$run/started"
    say "Druid is starting: its router will answer on port 8888"
}

install_packages
render_configuration
install_druid
mount_data_disk
apply_system_files
apply_configuration
start_druid
