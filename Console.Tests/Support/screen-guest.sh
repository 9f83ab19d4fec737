#!/bin/bash
# Builds a bootable raw disk whose guest has a shell on its screen and heeds the power button: what the console page is tested with.
#   screen-guest.sh OUT.raw [serves|agent]
#   "serves": it also says "user space is up" on its serial port, and answers on TCP port 8080 as a web server.
#   "agent":  the web server starts only when its guest agent was asked for the first time, so that nothing is faster than the agent.
#   Its boot partition holds proof.txt.
set -euo pipefail
out=${1:?usage: screen-guest.sh OUT.raw [serves|agent]}
PATH=$PATH:/usr/sbin:/sbin
kernel=$(find /boot -maxdepth 1 -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -1)
modules=/lib/modules/${kernel#*vmlinuz-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,modules,etc/acpi/PWRF}
cp "$(command -v busybox)" "$root/bin/busybox"
find "$modules" \( -name 'evdev.ko*' -o -name 'button.ko*' \) -exec cp {} "$root/modules/" \;
serve=
mode=${2:-}
if [ -n "$mode" ]; then
  for module in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net; do find "$modules" -name "$module.ko*" -exec cp {} "$root/modules/" \;; done
  mkdir -p "$root/www"; echo 'the guest answers' > "$root/www/index.html"
  serve='ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; httpd -p 8080 -h /www; echo "user space is up" >/dev/ttyS0'
fi
if [ "$mode" = agent ]; then
  mkdir -p "$root"/{usr/sbin,run,var/lib/qemu}; ln -s ../run "$root/var/run"
  cp "$(command -v qemu-ga)" "$root/usr/sbin/qemu-ga"
  for library in $(ldd "$root/usr/sbin/qemu-ga" | grep -o '/[^ ]*'); do mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; done
  find "$modules" -name 'virtio_console.ko*' -exec cp {} "$root/modules/" \;
  # The console asks an agent by letting file systems go on that nobody froze; the agent then calls this.
  printf '#!/bin/sh\n[ "$1" != thaw ] || [ -e /run/asked ] || { : >/run/asked; httpd -p 8080 -h /www; }\n' > "$root/asked"; chmod 755 "$root/asked"
  serve='ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ln -sf /proc/self/mounts /etc/mtab; (while :; do for port in /dev/vport*p1; do [ ! -e $port ] || /usr/sbin/qemu-ga -m virtio-serial -p $port -t /run -F/asked; done; sleep 1; done) &'
fi
cat > "$root/etc/acpi/PWRF/00000080" <<'SH'
#!/bin/sh
poweroff -f
SH
cat > "$root/init" <<SH
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs d /dev; /bin/busybox mount -t proc p /proc; /bin/busybox mount -t sysfs s /sys
/bin/busybox --install -s /bin
export PATH=/bin PS1='guest# '
for module in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net; do [ -e /modules/\$module.ko ] && insmod /modules/\$module.ko; done
for module in /modules/*; do insmod "\$module" 2>/dev/null; done
$serve
acpid -d >/dev/null 2>&1 &
printf '\033[2J\033[HThe screen of a guest. Type here.\n' >/dev/tty1
while :; do setsid cttyhack sh </dev/tty1 >/dev/tty1 2>&1; done
SH
chmod 755 "$root/init" "$root/etc/acpi/PWRF/00000080"
(cd "$root" && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 > "$work/initrd"

disk=$work/disk.raw start=2048 sectors=$((30 * 2048))
truncate -s $(((start + sectors) * 512)) "$disk"
le32() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 24 & 255)))"; }
dd if=/usr/lib/syslinux/mbr/mbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none
{ printf '\x80\xfe\xff\xff\x0e\xfe\xff\xff'; le32 $start; le32 $sectors; head -c 48 /dev/zero; printf '\x55\xaa'; } | dd of="$disk" bs=1 seek=446 conv=notrunc status=none
mkfs.fat -F 16 -n BOOT -h $start --offset $start "$disk" $((sectors / 2)) >/dev/null
printf 'DEFAULT l\nPROMPT 0\nTIMEOUT 0\nLABEL l\n KERNEL vmlinuz\n INITRD initrd\n APPEND console=tty1 quiet loglevel=1 nomodeset consoleblank=0\n' > "$work/syslinux.cfg"
export MTOOLS_SKIP_CHECK=1
mcopy -i "$disk@@$((start * 512))" "$kernel" ::vmlinuz
mcopy -i "$disk@@$((start * 512))" "$work/initrd" ::initrd
mcopy -i "$disk@@$((start * 512))" "$work/syslinux.cfg" ::syslinux.cfg
echo 'proved' | mcopy -i "$disk@@$((start * 512))" - ::proof.txt
syslinux --install --offset $((start * 512)) "$disk"
mv "$disk" "$out"
