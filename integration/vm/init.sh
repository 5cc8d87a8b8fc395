#!/bin/busybox sh
# shellcheck shell=dash
# The first process of a test's virtual machine. Serial ports: ttyS0 the kernel's console,
# ttyS1 what the script says and the two markers, ttyS2 the files it leaves in /out.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp TERM=dumb
umask 022

mkdir -p /proc /sys /dev /tmp /run /out
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t bpf bpf /sys/fs/bpf
hostname eunomia-vm
ip link set lo up

if [ -e /eunomia/hybrid ]; then
    # Controllers on v1 hierarchies beside an empty v2 one, as systemd's hybrid mode has it.
    # A controller that this kernel no longer offers on v1 stays where it is.
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    for controller in memory pids; do
        mkdir /sys/fs/cgroup/$controller
        mount -t cgroup -o $controller cgroup /sys/fs/cgroup/$controller 2>/dev/null ||
            rmdir /sys/fs/cgroup/$controller
    done
    mkdir /sys/fs/cgroup/unified
    mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
else
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi

# Raw, or the terminal layer turns every newline into two bytes.
for port in 1 2; do stty -F /dev/ttyS$port raw -echo; done
exec </dev/null >/dev/ttyS1 2>&1

echo "@eunomia-vm booted $(uname -r)"
cd /tmp || exit
# In a session of its own, or every process would be of group 0.
setsid sh /eunomia/script
status=$?
tar -c -C /out . | gzip -1 >/dev/ttyS2
echo
echo "@eunomia-vm status $status"
# The last close waits until the port has sent everything.
exec >/dev/null 2>&1
poweroff -f
