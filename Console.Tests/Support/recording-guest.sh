#!/bin/bash
# Builds the initial file system of a guest that writes numbered records to /dev/vda without end, and tells its serial port of each one
# once it is on the medium; between them it reads, and tells what it read. Blocks are 4 KiB, a sixteenth of a cluster, so that each write needs what lies below.
#   boot TAG · write NUMBER BLOCK · read BLOCK MD5
#   recording-guest.sh OUT.initrd
set -euo pipefail
out=${1:?usage: recording-guest.sh OUT.initrd}
. "$(dirname "$0")/guest-root.sh"

guest_root virtio_pci virtio_blk
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
guest_initrd
mv "$work/initrd" "$out"
