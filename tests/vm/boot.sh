#!/bin/sh
# Boots a root's systemd in namespaces: boot.sh ROOT TERMINAL DISK CGROUP
set -e
echo $$ >"$4/cgroup.procs"
# shellcheck disable=SC2016 # the inner shell expands them
exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child sh -ec '
    mount --make-rprivate /
    cd "$1"
    mount -t proc proc proc
    mount --bind -o ro proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs -o mode=755 tmpfs dev
    for node in null zero full random urandom tty; do
        touch "dev/$node"
        mount --bind "/dev/$node" "dev/$node"
    done
    mkdir -p dev/pts dev/shm dev/disk/by-id
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    mount -t tmpfs tmpfs dev/shm
    ln -s /proc/self/fd dev/fd
    touch dev/console dev/druid-data
    mount --bind "$2" dev/console
    mount --bind "$3" dev/druid-data
    ln -s ../../druid-data dev/disk/by-id/google-druid-data
    ip link set lo up
    hostname druid-ventas
    # Without the rights to change the clock, the modules or the power of the host.
    exec setpriv --bounding-set=-sys_module,-sys_time,-sys_boot,-sys_rawio,-mac_admin,-wake_alarm \
        env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd
' - "$1" "$2" "$3"
