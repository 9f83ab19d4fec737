#!/bin/bash
# Builds the demo appliance: a bootable OVA of one small disk and an empty one for its data, made from Debian packages alone, without root rights.
#   samples/appliance/build.sh OUT.ova [VERSION]     VERSION: another than that of quarterdeck-plugin.json, to try an upgrade
#   BROKEN=1 samples/appliance/build.sh …            one that starts, says three times that it is not well, and gives up: an upgrade that fails
#   SIGN_KEY=publisher.key SIGN_CERT=publisher.pem samples/appliance/build.sh …    signed
# Needs: linux-image-cloud-amd64 busybox-static openssl syslinux syslinux-common mtools dosfstools e2fsprogs cpio qemu-utils
set -euo pipefail

out=${1:?usage: build.sh OUT.ova [VERSION]}
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
for tool in busybox openssl mke2fs syslinux mcopy mkfs.fat cpio qemu-img; do
  command -v "$tool" >/dev/null || { echo "build.sh: '$tool' is missing; install: apt-get install linux-image-cloud-amd64 busybox-static openssl syslinux syslinux-common mtools dosfstools e2fsprogs cpio qemu-utils" >&2; exit 1; }
done
# Any installed cloud kernel will do; the newest is taken. Others may be named by KERNEL and MODULES.
kernel=${KERNEL:-$(find /boot -maxdepth 1 -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -1)}
[ -r "$kernel" ] || { echo "build.sh: no readable cloud kernel in /boot; install linux-image-cloud-amd64, or set KERNEL and MODULES" >&2; exit 1; }
modules=${MODULES:-/lib/modules/${kernel#*vmlinuz-}}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=harbour-light
manifest=$work/quarterdeck-plugin.json
if [ -n "${2:-}" ]; then sed "s/\(\"version\": *\"\)[^\"]*/\1$2/" "$here/quarterdeck-plugin.json" > "$manifest"; else cp "$here/quarterdeck-plugin.json" "$manifest"; fi

# --- the guest's root: busybox, openssl and mke2fs with their libraries, a handful of kernel modules, our scripts and pages
root=$work/root
mkdir -p "$root"/{bin,lib64,modules,proc,sys,dev,run,data,etc}
cp "$(command -v busybox)" "$root/bin/busybox"
for program in openssl mke2fs; do
  cp "$(command -v $program)" "$root/bin/"
  ldd "$(command -v $program)" | grep -o '/[^ ]*' | while read -r library; do cp -n --parents -L "$library" "$root"; done
done
cp "$here"/guest/init "$here"/guest/console.sh "$here"/guest/network.sh "$root/bin/"
cp -r "$here/guest/www" "$root/"
mkdir "$root/www/cgi-bin"
cp "$here"/guest/cgi/* "$root/www/cgi-bin/"; mv "$root/www/cgi-bin/page.sh" "$root/bin/"
cp "$manifest" "$root/etc/"
[ -z "${BROKEN:-}" ] || : > "$root/etc/broken"
ln -s bin/init "$root/init"
chmod 755 "$root"/bin/* "$root"/www/cgi-bin/*

# The modules each device needs, in load order: init loads only those whose device is there, which keeps the boot short.
load_order() {
  local path=$1 dependency
  for dependency in $(sed -n "s#^$path: *##p" "$modules/modules.dep" | tr ' ' '\n' | tac); do load_order "$dependency"; done
  grep -qx "$path" "$work/seen" || { echo "$path" >> "$work/seen"; echo "$path" >> "$work/order"; }
}
for module in virtio_pci virtio_blk virtio_net virtio_rng virtio_scsi vmw_pvscsi vmxnet3 sd_mod ata_piix sr_mod isofs button evdev; do
  path=$(sed -n "s#^\([^:]*/$module\.ko[^:]*\):.*#\1#p" "$modules/modules.dep")
  [ -n "$path" ] || continue   # built into this kernel
  : > "$work/seen"; : > "$work/order"; load_order "$path"
  while read -r file; do cp "$modules/$file" "$root/modules/"; basename "$file"; done < "$work/order" > "$root/modules/$module.order"
done
(cd "$root" && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 > "$work/initrd"

# --- the disk: MBR and a FAT partition to boot from; nothing is written to it later, so an upgrade may replace it
disk=$work/disk.raw; boot_start=2048; boot_sectors=$((30 * 2048))
truncate -s $(((boot_start + boot_sectors) * 512)) "$disk"
le32() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 24 & 255)))"; }
dd if=/usr/lib/syslinux/mbr/mbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none
{ printf '\x80\xfe\xff\xff\x0e\xfe\xff\xff'; le32 $boot_start; le32 $boot_sectors; head -c 48 /dev/zero; printf '\x55\xaa'; } \
  | dd of="$disk" bs=1 seek=446 conv=notrunc status=none
mkfs.fat -F 16 -n BOOT -h $boot_start --offset $boot_start "$disk" $((boot_sectors / 2)) >/dev/null
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
cp "$manifest" "$package/"
sed -e "s/@DISK_BYTES@/$(stat -c %s "$package/$name-disk1.vmdk")/" \
    -e "s/@PLUGIN_BYTES@/$(stat -c %s "$package/quarterdeck-plugin.json")/" \
    -e "s/@CAPACITY@/$(stat -c %s "$disk")/" \
    -e "s/@VERSION@/$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$manifest")/" "$here/appliance.ovf" > "$package/$name.ovf"
cd "$package"
for file in $name.ovf quarterdeck-plugin.json $name-disk1.vmdk; do echo "SHA256($file)= $(sha256sum "$file" | cut -d' ' -f1)"; done > $name.mf
cd "$OLDPWD"; mkdir -p "$(dirname "$out")"
if [ -n "${SIGN_KEY:-}" ]; then
  { echo "SHA256($name.mf)= $(openssl dgst -sha256 -sign "$SIGN_KEY" "$package/$name.mf" | od -An -v -tx1 | tr -d ' \n')"; cat "$SIGN_CERT"; } > "$package/$name.cert"
fi
tar --format=ustar --owner=0 --group=0 --numeric-owner -C "$package" -cf "$out.part" $name.ovf $name.mf ${SIGN_KEY:+$name.cert} quarterdeck-plugin.json $name-disk1.vmdk
mv "$out.part" "$out"
echo "$out: $(($(stat -c %s "$out") / 1048576)) MiB, kernel ${kernel##*vmlinuz-}"
