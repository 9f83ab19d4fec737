#!/bin/bash
# Builds the demo appliance: a bootable OVA of one small disk, made from Debian packages alone, without root rights.
#   samples/appliance/build.sh OUT.ova
# Needs: linux-image-cloud-amd64 busybox-static openssl syslinux syslinux-common mtools dosfstools e2fsprogs cpio qemu-utils
set -euo pipefail

out=${1:?usage: build.sh OUT.ova}
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
for tool in busybox openssl syslinux mcopy mkfs.fat mke2fs cpio qemu-img; do
  command -v "$tool" >/dev/null || { echo "build.sh: '$tool' is missing; install: apt-get install linux-image-cloud-amd64 busybox-static openssl syslinux syslinux-common mtools dosfstools e2fsprogs cpio qemu-utils" >&2; exit 1; }
done
# Any installed cloud kernel will do; the newest is taken. Others may be named by KERNEL and MODULES.
kernel=${KERNEL:-$(find /boot -maxdepth 1 -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -1)}
[ -r "$kernel" ] || { echo "build.sh: no readable cloud kernel in /boot; install linux-image-cloud-amd64, or set KERNEL and MODULES" >&2; exit 1; }
modules=${MODULES:-/lib/modules/${kernel#*vmlinuz-}}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=harbour-light

# --- the guest's root: busybox, openssl with its libraries, a handful of kernel modules, our scripts
root=$work/root
mkdir -p "$root"/{bin,lib64,modules,proc,sys,dev,run,data,www/admin,etc}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$(command -v openssl)" "$root/bin/openssl"
ldd "$(command -v openssl)" | grep -o '/[^ ]*' | while read -r library; do cp --parents -L "$library" "$root"; done
cp "$here"/guest/init "$here"/guest/console.sh "$here"/guest/network.sh "$root/bin/"
cp "$here"/quarterdeck-plugin.json "$root/etc/"
ln -s bin/init "$root/init"
chmod 755 "$root"/bin/*

# The modules each device needs, in load order: init loads only those whose device is there, which keeps the boot short.
load_order() {
  local path=$1 dependency
  for dependency in $(sed -n "s#^$path: *##p" "$modules/modules.dep" | tr ' ' '\n' | tac); do load_order "$dependency"; done
  grep -qx "$path" "$work/seen" || { echo "$path" >> "$work/seen"; echo "$path" >> "$work/order"; }
}
for module in virtio_pci virtio_blk virtio_net virtio_rng virtio_scsi vmw_pvscsi vmxnet3 sd_mod ata_piix sr_mod isofs; do
  path=$(sed -n "s#^\([^:]*/$module\.ko[^:]*\):.*#\1#p" "$modules/modules.dep")
  [ -n "$path" ] || continue   # built into this kernel
  : > "$work/seen"; : > "$work/order"; load_order "$path"
  while read -r file; do cp "$modules/$file" "$root/modules/"; basename "$file"; done < "$work/order" > "$root/modules/$module.order"
done
(cd "$root" && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 > "$work/initrd"

# --- the disk: MBR, a FAT partition to boot from, an ext4 partition that keeps the appliance's identity
disk=$work/disk.raw; boot_start=2048; boot_sectors=$((30 * 2048)); data_start=$((boot_start + boot_sectors)); data_sectors=$((8 * 2048))
truncate -s $((data_start * 512)) "$disk"
le32() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 24 & 255)))"; }
partition() { printf "\\x$1\\xfe\\xff\\xff\\x$2\\xfe\\xff\\xff"; le32 "$3"; le32 "$4"; }
dd if=/usr/lib/syslinux/mbr/mbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none
{ partition 80 0e $boot_start $boot_sectors; partition 00 83 $data_start $data_sectors; head -c 32 /dev/zero; printf '\x55\xaa'; } \
  | dd of="$disk" bs=1 seek=446 conv=notrunc status=none
mkfs.fat -F 16 -n BOOT -h $boot_start --offset $boot_start "$disk" $((boot_sectors / 2)) >/dev/null
truncate -s $(((data_start + data_sectors) * 512)) "$disk"
mke2fs -q -t ext4 -L data -E offset=$((data_start * 512)) "$disk" $((data_sectors / 2))k
cat > "$work/syslinux.cfg" <<'CFG'
DEFAULT appliance
PROMPT 0
TIMEOUT 0
LABEL appliance
  KERNEL vmlinuz
  INITRD initrd
  APPEND console=ttyS0 quiet loglevel=1 panic=10 8250.nr_uarts=1 nomodeset
CFG
export MTOOLS_SKIP_CHECK=1
mcopy -i "$disk@@$((boot_start * 512))" "$kernel" ::vmlinuz
mcopy -i "$disk@@$((boot_start * 512))" "$work/initrd" ::initrd
mcopy -i "$disk@@$((boot_start * 512))" "$work/syslinux.cfg" ::syslinux.cfg
syslinux --install --offset $((boot_start * 512)) "$disk"

# --- the package: descriptor, manifest, plug-in manifest, disk; in that order, so that it can be read in one pass
package=$work/package; mkdir "$package"
qemu-img convert -q -f raw -O vmdk -o subformat=streamOptimized "$disk" "$package/$name-disk1.vmdk"
cp "$here/quarterdeck-plugin.json" "$package/"
sed -e "s/@DISK_BYTES@/$(stat -c %s "$package/$name-disk1.vmdk")/" \
    -e "s/@PLUGIN_BYTES@/$(stat -c %s "$package/quarterdeck-plugin.json")/" \
    -e "s/@CAPACITY@/$(stat -c %s "$disk")/" \
    -e "s/@VERSION@/$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$here/quarterdeck-plugin.json")/" "$here/appliance.ovf" > "$package/$name.ovf"
cd "$package"
for file in $name.ovf quarterdeck-plugin.json $name-disk1.vmdk; do echo "SHA256($file)= $(sha256sum "$file" | cut -d' ' -f1)"; done > $name.mf
cd "$OLDPWD"; mkdir -p "$(dirname "$out")"
tar --format=ustar --owner=0 --group=0 --numeric-owner -C "$package" -cf "$out.part" $name.ovf $name.mf quarterdeck-plugin.json $name-disk1.vmdk
mv "$out.part" "$out"
echo "$out: $(($(stat -c %s "$out") / 1048576)) MiB, kernel ${kernel##*vmlinuz-}"
