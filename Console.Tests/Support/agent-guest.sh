#!/bin/bash
# Builds the initial file system of a guest that mounts /dev/vda (ext4) and writes to it without end, while its agent answers,
# or with agent=deaf on the kernel's command line holds the agent's channel open and says nothing.
#   agent-guest.sh OUT.initrd
set -euo pipefail
out=${1:?usage: agent-guest.sh OUT.initrd}
. "$(dirname "$0")/guest-root.sh"

guest_root virtio_pci virtio_blk virtio_console crc32c_generic ext4
mkdir -p "$root"/{run,etc,usr/sbin,var/lib/qemu}
ln -s ../run "$root/var/run"
cp "$(command -v qemu-ga)" "$root/usr/sbin/qemu-ga"
for library in $(ldd "$root/usr/sbin/qemu-ga" | grep -o '/[^ ]*'); do mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; done
cat > "$root/init" <<'SH'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
ln -sf /proc/self/mounts /etc/mtab
while read -r module; do insmod "/modules/$module"; done </modules/order
tries=200; until mount -t ext4 /dev/vda /mnt || [ $tries = 0 ]; do tries=$((tries - 1)); sleep 0.1; done
( n=0; while :; do n=$((n + 1)); dd if=/dev/urandom of=/mnt/file$((n % 40)) bs=64k count=2; mkdir -p /mnt/dir$((n % 9)); ln -f /mnt/file$((n % 40)) /mnt/dir$((n % 9))/link; [ $((n % 5)) = 0 ] && sync; sleep 0.02; done ) >/dev/null 2>&1 &
if grep -q agent=deaf /proc/cmdline; then exec sleep 1000000 <>/dev/vport0p1; fi
while :; do /usr/sbin/qemu-ga -m virtio-serial -p /dev/vport0p1 -t /run; sleep 1; done
SH
guest_initrd
mv "$work/initrd" "$out"
