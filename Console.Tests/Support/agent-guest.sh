#!/bin/bash
# Builds the initial file system of a guest that mounts /dev/vda (ext4) and writes to it without end, while its agent answers,
# or with agent=deaf on the kernel's command line holds the agent's channel open and says nothing.
#   agent-guest.sh OUT.initrd
set -euo pipefail
out=${1:?usage: agent-guest.sh OUT.initrd}
PATH=$PATH:/usr/sbin:/sbin
kernel=$(find /boot -maxdepth 1 -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -1)
modules=/lib/modules/${kernel#*vmlinuz-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,modules,mnt,run,etc,usr/sbin,var/lib/qemu}
ln -s ../run "$root/var/run"
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$(command -v qemu-ga)" "$root/usr/sbin/qemu-ga"
for library in $(ldd "$root/usr/sbin/qemu-ga" | grep -o '/[^ ]*'); do mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; done
load_order() {
  local path=$1 dependency
  for dependency in $(sed -n "s#^$path: *##p" "$modules/modules.dep" | tr ' ' '\n' | tac); do load_order "$dependency"; done
  grep -qx "$path" "$work/order" || echo "$path" >> "$work/order"
}
: > "$work/order"
for module in virtio_pci virtio_blk virtio_console crc32c_generic ext4; do
  path=$(sed -n "s#^\([^:]*/$module\.ko[^:]*\):.*#\1#p" "$modules/modules.dep")
  [ -z "$path" ] || load_order "$path"
done
while read -r file; do cp "$modules/$file" "$root/modules/"; basename "$file"; done < "$work/order" > "$root/modules/order"
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
chmod 755 "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 > "$work/initrd"
mv "$work/initrd" "$out"
