# Builds the walls around a compute server and becomes it; runs as root of a new mount namespace, without a shell's environment.
# usage: sandbox.sh IO ROOT BINARY LIBRARY USER CGROUPS DATA FILE_KIB PROGRAM ARGUMENTS...
#   IO: the one folder that stays writable, as /run; LIBRARY: preloaded into PROGRAM, or empty; USER: its user id, or empty to stay; CGROUPS: files to write the process into
#   DATA: a folder that is /data, locked for as long as PROGRAM lives, or empty; FILE_KIB: most KiB of a file, or empty
set -e
io=$1 root=$2 binary=$3 library=$4 user=$5 cgroups=$6 data=$7 most=$8; shift 8
for file in $cgroups; do echo $$ > "$file"; done
ulimit -c 0; ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
# The lock goes with the process, whoever killed it: two never write the same objects.
if [ -n "$data" ]; then exec 9>>"$data/lock"; flock -n 9 || exit 75; fi
mount -t tmpfs -o size=64k,mode=755,nosuid,nodev none "$root"
cd "$root"
mkdir usr proc dev run tmp
for folder in bin lib lib64; do
  if [ -L /$folder ]; then ln -s "$(readlink /$folder)" $folder
  elif [ -d /$folder ]; then mkdir $folder; mount --rbind /$folder $folder; mount -o remount,bind,ro,nosuid,nodev $folder; fi
done
mount --rbind /usr usr; mount -o remount,bind,ro,nosuid,nodev usr
touch workerd; mount --bind "$binary" workerd; mount -o remount,bind,ro,nosuid,nodev workerd
if [ -n "$library" ]; then touch guard.so; mount --bind "$library" guard.so; mount -o remount,bind,ro,nosuid,nodev guard.so; fi
mount --bind "$io" run; mount -o remount,bind,nosuid,nodev,noexec run
if [ -n "$data" ]; then mkdir data; mount --bind "$data" data; mount -o remount,bind,nosuid,nodev,noexec data; fi
for device in null zero random urandom; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mount -t proc -o hidepid=2,nosuid,nodev,noexec none proc 2>/dev/null || mount --rbind /proc proc
mount -o remount,ro,nosuid,nodev .
pivot_root . .
umount -l .
cd /
# Who writes beyond it gets an error instead of the signal that would end all.
if [ -n "$most" ]; then trap '' XFSZ; ulimit -f "$((most * 2))"; fi
[ -z "$library" ] || set -- /usr/bin/env LD_PRELOAD=/guard.so "$@"
[ -z "$user" ] || exec /usr/bin/setpriv --reuid "$user" --regid "$user" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs --pdeathsig KILL -- "$@"
exec /usr/bin/setpriv --bounding-set=-all --inh-caps=-all --no-new-privs --pdeathsig KILL -- "$@"
