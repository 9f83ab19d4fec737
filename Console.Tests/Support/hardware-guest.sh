#!/bin/bash
# Builds the disk of a guest that says what it sees: it looks through its CD drives, disks and the firmware's configuration
# for texts like SECRET-…, writes a report at the start of its 1 MiB disk and powers itself off.
#   hardware-guest.sh OUT.raw bios|efi
set -euo pipefail
out=${1:?usage: hardware-guest.sh OUT.raw bios|efi} firmware=${2:?bios or efi}
. "$(dirname "$0")/guest-root.sh"

guest_root virtio_pci virtio_blk virtio_scsi vmw_pvscsi ata_piix sd_mod sr_mod isofs qemu_fw_cfg
cat > "$root/init" <<'SH'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
exec </dev/null >/dev/ttyS0 2>&1
while read -r module; do insmod "/modules/$module"; done </modules/order
report_disk() { for b in /sys/block/[sv]d*; do [ -r "$b/size" ] && [ "$(cat "$b/size")" = 2048 ] && disk=/dev/${b##*/} && return; done; return 1; }
tries=200; until report_disk || [ $tries = 0 ]; do tries=$((tries - 1)); sleep 0.1; done
[ -d /sys/firmware/efi ] && firmware=efi || firmware=bios
entry=/sys/firmware/qemu_fw_cfg/by_name/opt/com.vmware/guestinfo.ovfEnv/raw
mount -t iso9660 -o ro /dev/sr0 /mnt
{
  echo "REPORT firmware=$firmware cpus=$(nproc) disk=${disk##*/} disks=$(cd /sys/block; echo [sv]d*) cds=$(cd /sys/block; echo sr*)"
  echo "iso: $(tr '\n' ' ' </mnt/ovf-env.xml)"
  echo "fwcfg: $(tr '\n' ' ' <$entry)"
  echo "seen: $(cat /dev/sr* /dev/[sv]d? $entry /proc/cmdline /sys/firmware/qemu_fw_cfg/by_name/*/*/raw /sys/class/dmi/id/* 2>/dev/null | grep -a -o 'SECRET-[A-Za-z0-9]*' | sort -u | tr '\n' ' ')"
  echo END
} >/report
dd if=/report of="$disk" bs=1M conv=fsync,notrunc
sync; poweroff -f
SH
guest_initrd

disk=$work/disk.raw start=2048 sectors=$((34 * 2048)) line='console=ttyS0 quiet loglevel=1 panic=5'
truncate -s $(((start + sectors) * 512)) "$disk"
le32() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 24 & 255)))"; }
export MTOOLS_SKIP_CHECK=1
volume=$disk@@$((start * 512))
if [ "$firmware" = bios ]; then
  dd if=/usr/lib/syslinux/mbr/mbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none
  { printf '\x80\xfe\xff\xff\x0e\xfe\xff\xff'; le32 $start; le32 $sectors; head -c 48 /dev/zero; printf '\x55\xaa'; } | dd of="$disk" bs=1 seek=446 conv=notrunc status=none
  mkfs.fat -F 16 -n BOOT -h $start --offset $start "$disk" $((sectors / 2)) >/dev/null
  printf 'DEFAULT l\nPROMPT 0\nTIMEOUT 0\nLABEL l\n KERNEL vmlinuz\n INITRD initrd\n APPEND %s\n' "$line" > "$work/syslinux.cfg"
  mcopy -i "$volume" "$kernel" ::vmlinuz
  mcopy -i "$volume" "$work/initrd" ::initrd
  mcopy -i "$volume" "$work/syslinux.cfg" ::syslinux.cfg
  syslinux --install --offset $((start * 512)) "$disk"
else
  { printf '\x00\xfe\xff\xff\xef\xfe\xff\xff'; le32 $start; le32 $sectors; head -c 48 /dev/zero; printf '\x55\xaa'; } | dd of="$disk" bs=1 seek=446 conv=notrunc status=none
  mkfs.fat -F 16 -n ESP -h $start --offset $start "$disk" $((sectors / 2)) >/dev/null
  printf '%s' "$line" > "$work/line"; printf 'ID=guest\nVERSION_ID=1\n' > "$work/release"
  objcopy --add-section .osrel="$work/release" --change-section-vma .osrel=0x20000 --add-section .cmdline="$work/line" --change-section-vma .cmdline=0x30000 \
    --add-section .linux="$kernel" --change-section-vma .linux=0x2000000 --add-section .initrd="$work/initrd" --change-section-vma .initrd=0x4000000 \
    /usr/lib/systemd/boot/efi/linuxx64.efi.stub "$work/boot.efi"
  mmd -i "$volume" ::EFI ::EFI/BOOT
  mcopy -i "$volume" "$work/boot.efi" ::EFI/BOOT/BOOTX64.EFI
fi
mv "$disk" "$out"
