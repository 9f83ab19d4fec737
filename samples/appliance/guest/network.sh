#!/bin/busybox sh
# udhcpc's script: takes over the address that DHCP offers.
case $1 in
  bound | renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/${mask:-24}" dev "$interface"
    for gateway in $router; do ip route replace default via "$gateway"; break; done
    for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf ;;
esac
