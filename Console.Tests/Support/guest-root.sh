# What the guests of the tests have in common: the cloud kernel's modules, busybox, and how they become an initial file system. Sourced.
#   guest_root MODULE...   makes $root with busybox and the modules, whose order is in /modules/order
#   guest_initrd           packs $root, whose /init was written, as $work/initrd
PATH=$PATH:/usr/sbin:/sbin
kernel=$(find /boot -maxdepth 1 -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -1)
modules=/lib/modules/${kernel#*vmlinuz-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

load_order() {
  local path=$1 dependency
  for dependency in $(sed -n "s#^$path: *##p" "$modules/modules.dep" | tr ' ' '\n' | tac); do load_order "$dependency"; done
  grep -qx "$path" "$work/order" || echo "$path" >> "$work/order"
}

guest_root() {
  local module path file
  mkdir -p "$root"/{bin,proc,sys,dev,modules,mnt}
  cp "$(command -v busybox)" "$root/bin/busybox"
  : > "$work/order"
  for module in "$@"; do
    path=$(sed -n "s#^\([^:]*/$module\.ko[^:]*\):.*#\1#p" "$modules/modules.dep")
    [ -z "$path" ] || load_order "$path"
  done
  while read -r file; do cp "$modules/$file" "$root/modules/"; basename "$file"; done < "$work/order" > "$root/modules/order"
}

guest_initrd() {
  chmod 755 "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 > "$work/initrd"
}
