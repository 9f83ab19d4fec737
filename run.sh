#!/bin/bash
# Starts the console in the foreground: installs what is missing, builds what has changed, and becomes the console.
#   ./run.sh                 on http://127.0.0.1:5080, data in data/ (settings: docs/install.md)
#   ./run.sh --tour          shows the main tasks on real engines with a data folder and ports of its own, then cleans up
#   ./run.sh plugin validate FILE.ova    for authors of plug-ins: says all that is wrong with a package
#   ./run.sh user list       and other commands of the console: docs/install.md
set -euo pipefail
from=$PWD
cd "$(dirname "$(readlink -f "$0")")"
. build/machine.sh

need_tools
[ "${1:-}" = plugin ] ||
  install libvirtd:libvirt-daemon-system qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils '/usr/share/qemu/firmware/*:ovmf' dnsmasq:dnsmasq-base '/usr/lib/*/libvirt-qemu.so.0:libvirt0' gcc:gcc /usr/include/stdio.h:libc6-dev '/boot/vmlinuz-*:linux-image-cloud-amd64' ntfs-3g:ntfs-3g lvm:lvm2 nbdkit:nbdkit ||
  say "Going on without them: the pages say what is missing."

output=Console.Web/bin/Release/net10.0
build_once $output/.built dotnet build Console.Web -c Release -v quiet -nologo </dev/null >&2

if [ "${1:-}" = plugin ]; then
  program=$PWD/$output/Quarterdeck.Web.dll
  cd "$from"   # the package is named from where the author stands
  exec dotnet "$program" "$@"
fi
if [ "${1:-}" = --tour ]; then
  install '/boot/vmlinuz-*-cloud-amd64:linux-image-cloud-amd64' busybox:busybox-static openssl:openssl syslinux:syslinux \
    /usr/lib/syslinux/mbr/mbr.bin:syslinux-common mcopy:mtools mkfs.fat:dosfstools mke2fs:e2fsprogs cpio:cpio
  trap stop_libvirt EXIT
  start_libvirt
  node samples/tour.mjs $output/Quarterdeck.Web.dll </dev/null
  exit
fi
start_libvirt
exec dotnet $output/Quarterdeck.Web.dll "$@"
