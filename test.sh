#!/bin/bash
# Runs every test on real engines: installs what is missing, starts what does not run (and stops it again), builds, tests.
# The last line of the output is "N passed, N failed"; the exit status is 0 only if nothing failed and something passed.
#   ./test.sh [--long] [FILTER]     --long adds soaks; FILTER is a dotnet test filter, such as FullyQualifiedName~Operations
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. build/machine.sh

filter='Category!=OnDemand'   # what makes something rather than proves something
hang=5m whole=1380         # a test that hangs is killed and named; all end before the 25 minutes that the run may take
if [ "${1:-}" = --long ]; then shift; hang=40m whole=4h; else filter="$filter&Category!=Long"; fi
[ -z "${1:-}" ] || filter="$filter&($1)"

need_tools
install libvirtd:libvirt-daemon-system virsh:libvirt-clients qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils '/usr/share/qemu/firmware/*:ovmf' \
  '/boot/vmlinuz-*-cloud-amd64:linux-image-cloud-amd64' busybox:busybox-static openssl:openssl syslinux:syslinux \
  /usr/lib/syslinux/mbr/mbr.bin:syslinux-common objcopy:binutils /usr/lib/systemd/boot/efi/linuxx64.efi.stub:systemd-boot-efi mcopy:mtools mkfs.fat:dosfstools mke2fs:e2fsprogs mkfs.xfs:xfsprogs mkfs.btrfs:btrfs-progs ntfs-3g:ntfs-3g lvm:lvm2 nbdkit:nbdkit cpio:cpio swtpm:swtpm swtpm_setup:swtpm-tools qemu-ga:qemu-guest-agent \
  '/usr/lib/postgresql/*/bin/postgres:postgresql' sqlite3:sqlite3 isoinfo:genisoimage /usr/bin/chromium:chromium '/usr/share/fonts/truetype/dejavu/*:fonts-dejavu-core' ps:procps gcc:gcc /usr/include/stdio.h:libc6-dev || { echo '0 passed, 1 failed'; exit 1; }

trap stop_libvirt EXIT
start_libvirt

results=TestResults
rm -rf $results; mkdir -p $results
clock=$SECONDS
dotnet build Console.sln -v quiet -nologo -p:RestoreLockedMode=true </dev/null || { echo '0 passed, 1 failed'; exit 1; }
say "built in $((SECONDS - clock)) s"

clock=$SECONDS
status=0
timeout --kill-after=30 $whole dotnet test Console.Tests --no-build --nologo --results-directory $results --logger trx \
  --blame-hang-timeout $hang --blame-hang-dump-type none --filter "$filter" </dev/null >$results/run.log 2>&1 || status=$?
say "tested in $((SECONDS - clock)) s"
node build/test-summary.mjs $results $status
