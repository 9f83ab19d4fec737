#!/bin/bash
# Builds the initial file system of a guest that writes numbered records to /dev/vda without end, and tells its serial port of each one
# once it is on the medium; between them it reads, and tells what it read. Blocks are 4 KiB, a sixteenth of a cluster, so that each write needs what lies below.
#   boot TAG · write NUMBER BLOCK · read BLOCK MD5
#   recording-guest.sh OUT.initrd
set -euo pipefail
out=${1:?usage: recording-guest.sh OUT.initrd}
PATH=$PATH:/usr/sbin:/sbin
kernel=$(find /boot -maxdepth 1 -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -1)
modules=/lib/modules/${kernel#*vmlinuz-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,modules}
cp "$(command -v busybox)" "$root/bin/busybox"
load_order() {
  local path=$1 dependency
  for dependency in $(sed -n "s#^$path: *##p" "$modules/modules.dep" | tr ' ' '\n' | tac); do load_order "$dependency"; done
  grep -qx "$path" "$work/order" || echo "$path" >> "$work/order"
}
: > "$work/order"
for module in virtio_pci virtio_blk; do
  path=$(sed -n "s#^\([^:]*/$module\.ko[^:]*\):.*#\1#p" "$modules/modules.dep")
  [ -z "$path" ] || load_order "$path"
done
while read -r file; do cp "$modules/$file" "$root/modules/"; basename "$file"; done < "$work/order" > "$root/modules/order"
cat > "$root/init" <<'SH'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
echo 1 > /proc/sys/kernel/printk
while read -r module; do insmod "/modules/$module"; done </modules/order
until [ -b /dev/vda ]; do sleep 0.1; done
blocks=$(($(cat /sys/block/vda/size) / 8))
tag=$(cat /proc/sys/kernel/random/boot_id)
exec 3>/dev/ttyS0
echo "boot $tag" >&3
n=0
while :; do
  n=$((n + 1)); at=$((n * 1031 % blocks))
  line="record $n of $tag "; while [ ${#line} -lt 4096 ]; do line="$line$line"; done
  printf '%.4096s' "$line" | dd of=/dev/vda bs=4096 count=1 seek=$at iflag=fullblock oflag=direct conv=notrunc,fsync 2>/dev/null && echo "write $n $at" >&3
  from=$((n * 769 % blocks)); sum=$(dd if=/dev/vda bs=4096 count=1 skip=$from iflag=direct 2>/dev/null | md5sum)
  echo "read $from ${sum%% *}" >&3
done
SH
chmod 755 "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 > "$work/initrd"
mv "$work/initrd" "$out"
