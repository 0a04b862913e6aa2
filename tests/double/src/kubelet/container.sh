# Builds the root of a container and becomes its first process. Run in mount and process namespaces of its own.
#   MOUNT CHROOT ROOT FSTAB LOG DIRECTORY COMMAND…
# Says "ready", and by which number its machine knows it; what goes wrong before that, it says on stderr.
set -eu
mount=$1 chroot=$2 root=$3 fstab=$4 log=$5 directory=$6
shift 6
# As yet /proc is that of the machine.
read -r pid _ </proc/self/stat
"$mount" -t proc proc /proc
"$mount" -a -T "$fstab" >&2
if ! "$chroot" "$root" /bin/sh -c 'cd "$0" && command -v "$1" >/dev/null' "$directory" "$1"; then
    echo "exec: \"$1\": not found, or no directory $directory" >&2
    exit 1
fi
echo "ready $pid"
exec >>"$log" 2>&1
unset PWD OLDPWD SHLVL
if [ "$directory" = / ]; then
    exec "$chroot" "$root" "$@"
fi
exec "$chroot" "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
