#!/bin/bash
# Reproduces one figure from a fresh clone: bench/run.sh NAME (without a name: the list). Prints peer, product and ratio; the status is not 0 below the limit.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. build/machine.sh

need_tools
install libvirtd:libvirt-daemon-system qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils '/usr/lib/postgresql/*/bin/postgres:postgresql' \
  '/boot/vmlinuz-*-cloud-amd64:linux-image-cloud-amd64' busybox:busybox-static openssl:openssl syslinux:syslinux virsh:libvirt-clients restic:restic \
  /usr/lib/syslinux/mbr/mbr.bin:syslinux-common mcopy:mtools mkfs.fat:dosfstools mke2fs:e2fsprogs cpio:cpio wrk:wrk
trap stop_libvirt EXIT
start_libvirt
build_once bench/bin/Release/net10.0/.built dotnet build bench -c Release -v quiet -nologo </dev/null >&2
dotnet bench/bin/Release/net10.0/Quarterdeck.Bench.dll "$@"
