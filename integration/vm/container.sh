#!/bin/sh
# A container without a runtime: enters the given cgroups, takes pid, mount, uts and ipc
# namespaces of its own, and runs a command in them, below another root if one is given.
# The network stays the host's, so that a server on loopback can be reached.
#
# Usage: container.sh CGROUP[:CGROUP...] HOSTNAME ROOT COMMAND [ARGUMENT...]
#        CGROUP  folder of a cgroup, one in each hierarchy, made here if it does not exist
#        ROOT    folder that becomes /, with /proc to be mounted on; or "/"
set -eu
cgroups=$1
HOSTNAME=$2
ROOT=$3
shift 3

IFS=:
for cgroup in $cgroups; do
    mkdir -p "$cgroup"
    echo $$ >"$cgroup/cgroup.procs"
done
unset IFS

export HOSTNAME ROOT
# shellcheck disable=SC2016 # the inner shell expands
exec unshare -f -p -m -u -i sh -c '
    hostname "$HOSTNAME"
    mount -t proc proc "$ROOT/proc"
    unset HOSTNAME
    # A session of its own, as runtimes make one: otherwise its process group would be 0, that of
    # somebody outside.
    [ "$ROOT" = / ] && unset ROOT && exec setsid "$@"
    exec setsid env -u ROOT chroot "$ROOT" "$@"
' container "$@"
