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
readonly storage=${STORAGE_URL:-https://storage.googleapis.com}
# Seconds without data after which a transfer counts as stalled.
readonly stalled=${STALLED_SECONDS:-60}
readonly packages=(openjdk-17-jre-headless python3)

say() {
    echo "ventas: $*"
}

# Airflow gives the VM more time while its last line on the console is one of these.
say_installing() {
    say "installing $*"
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
        say_installing "packages: waiting for apt's lock ($attempt)"
        sleep 5
    done
    fail "apt-get $1 says: $(tail -n 1 "$staged/apt"); give the subnetwork a Cloud NAT to Debian's archive"
}

install_packages() {
    dpkg-query --show --showformat='${db:Status-Status}\n' "${packages[@]}" 2>/dev/null |
        grep --count --line-regexp installed | grep --quiet --line-regexp "${#packages[@]}" && return
    say_installing "${packages[*]}"
    dpkg --configure -a
    apt_get update
    apt_get install --yes --no-install-recommends "${packages[@]}"
}

# Writes $staged/druid and $staged/secrets.env.
render_configuration() {
    rm -rf "$staged/druid" "$staged/secrets.env"
    PYTHONPATH=$files PYTHONDONTWRITEBYTECODE=1 python3 -m include.gcp.guest "$staged"
}

size_of() {
    stat --format %s "$1" 2>/dev/null || echo 0
}

# Say how much of a file has arrived. $2 is its size when the transfer began.
say_fetched() {
    local left total=
    # After redirections there are several headers: the last one counts.
    left=$(sed --quiet 's/^content-length: *\([0-9]*\).*/\1/Ip' "$staged/headers" | tail -n 1)
    [[ -z $left ]] || total=" of $((($2 + left) / 1000000))"
    say_installing "Druid: $(($(size_of "$1") / 1000000))$total MB fetched"
}

# Write curl's header for a bucket that only the VM's own account may read, or nothing for other servers.
write_authorization() {
    : >"$staged/authorization"
    [[ $1 == "$storage"/* ]] || return 0
    curl --fail --silent --show-error --retry 5 --header 'Metadata-Flavor: Google' \
        "$metadata/service-accounts/default/token" |
        sed 's/.*"access_token": *"\([^"]*\)".*/Authorization: Bearer \1/' >"$staged/authorization"
}

# Fetch $1 into the file $2. What the file already has is not fetched again.
fetch() {
    local url=$1 file=$2 began reporter curl_status http_status in_vain=0 restarts=0
    while true; do
        began=$(size_of "$file")
        ((began == 0)) || say_installing "Druid: continuing its download after $((began / 1000000)) MB"
        write_authorization "$url"
        : >"$staged/headers"
        while sleep 10; do say_fetched "$file" "$began"; done &
        reporter=$!
        curl_status=0
        http_status=$(curl --fail --silent --show-error --location --connect-timeout 30 \
            --speed-limit 1024 --speed-time "$stalled" --continue-at - --output "$file" \
            --header "@$staged/authorization" --dump-header "$staged/headers" \
            --write-out '%{http_code}' "$url" 2>"$staged/curl") || curl_status=$?
        kill "$reporter"
        wait "$reporter" 2>/dev/null || true
        (($(size_of "$file") == began)) || say_fetched "$file" "$began"
        # 416: the server has no more than the file has, so its checksum decides.
        ((curl_status && http_status != 416)) || return 0
        # curl reports a server without ranges as 33, or as 36 if it ignores the offset.
        if ((curl_status == 33 || curl_status == 36)); then
            say_installing "Druid: the server cannot continue a download, so it starts again"
            rm -f "$file"
            restarts=$((restarts + 1))
            ((restarts < 6)) || return 1
            continue
        fi
        [[ ! $http_status =~ ^4 || $http_status == 408 || $http_status == 429 ]] || return 1
        in_vain=$((in_vain + 1))
        (($(size_of "$file") == began)) || in_vain=0
        ((in_vain < 6)) || return 1
        say_installing "Druid: the download broke off ($(tail -n 1 "$staged/curl"))"
        sleep $((1 << in_vain))
    done
}

# Each step can be interrupted: the partial file stays, and a folder counts only once it is complete.
install_druid() {
    local url sum archive
    url=$(attribute druid-url)
    sum=$(attribute druid-checksum)
    [[ $sum =~ ^([0-9a-f]{64}|[0-9a-f]{128})$ ]] ||
        fail "druid_checksum in the connection's extra must be a SHA-256 or SHA-512 in hexadecimal, not '$sum'"
    archive=/var/tmp/druid-$sum.tar.gz
    find /var/tmp -maxdepth 1 -name 'druid-*.tar.gz' ! -path "$archive" -delete
    if [[ -e $home/.checksum && $(<"$home/.checksum") == "$sum" ]]; then
        rm -f "$archive"
        return
    fi
    if ! has_checksum "$archive" "$sum"; then
        say_installing "Druid from $url"
        fetch "$url" "$archive" ||
            fail "Druid could not be fetched from $url ($(tail -n 1 "$staged/curl")): correct druid_url in the connection's extra, or give the subnetwork a Cloud NAT; the next start continues the download"
        if ! has_checksum "$archive" "$sum"; then
            rm "$archive"
            fail "what $url gives has another checksum than $sum: nothing of it was kept; correct druid_checksum in the connection's extra, or start the VM again to fetch all of it again"
        fi
    fi
    say_installing "Druid: unpacking its archive"
    rm -rf "$home.new"
    mkdir "$home.new"
    tar --extract --gzip --file "$archive" --directory "$home.new" --strip-components 1 --no-same-owner
    echo "$sum" >"$home.new/.checksum"
    # The files reach the disk before their folder gets its name, and the archive goes last.
    sync --file-system "$home.new"
    rm -rf "$home"
    mv "$home.new" "$home"
    sync --file-system "$home"
    rm "$archive"
}

has_checksum() {
    [[ -e $1 ]] && echo "$2  $1" | "sha$((${#2} * 4))sum" --check --status
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

# Return whether the metadata of this VM, or else of its project, ask for Google's Ops Agent. The project's
# stay if the VM is created again.
wants_ops_agent() {
    local place answer
    for place in instance project; do
        answer=$(curl --fail --silent --header 'Metadata-Flavor: Google' \
            "${metadata%/instance}/$place/attributes/ventas-ops-agent") || continue
        [[ $answer == yes ]]
        return
    done
    return 1
}

# The image of Google's Debian has the key of Google's packages.
install_ops_agent() {
    local list=/etc/apt/sources.list.d/google-cloud-ops-agent.list
    [[ ! -e /opt/google-cloud-ops-agent ]] || return 0
    install -D --mode 0644 "$files/ops-agent.list" "$list"
    (apt_get update && apt_get install --yes --option DPkg::Options::=--force-confold google-cloud-ops-agent) ||
        { rm "$list" && return 1; }
}

# The agent sends the journal, with the logs of Druid's processes, and the machine's metrics to Google. Druid
# needs no agent, so a failure is only said.
apply_ops_agent() {
    local agent=google-cloud-ops-agent
    if ! wants_ops_agent; then
        [[ ! -e /opt/$agent ]] || systemctl disable --now "$agent"
    elif install_ops_agent >"$staged/agent" 2>&1; then
        cmp --quiet "$files/ops-agent.yaml" "/etc/$agent/config.yaml" && systemctl --quiet is-active "$agent" && return
        install -D --mode 0644 "$files/ops-agent.yaml" "/etc/$agent/config.yaml"
        systemctl enable --quiet "$agent"
        systemctl restart "$agent"
        say "Ops Agent: it sends the log and the metrics of this VM"
    else
        say "Ops Agent: not installed, Druid runs without it ($(tail -n 1 "$staged/agent"))"
    fi
}

install_packages
render_configuration
install_druid
mount_data_disk
apply_system_files
apply_configuration
start_druid
apply_ops_agent
