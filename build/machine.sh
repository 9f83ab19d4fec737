# What run.sh, test.sh and bench/run.sh have in common: packages, daemons, builds. Sourced with the repository root as the working folder.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*" >&2; }

# as_root COMMAND...: directly, by sudo without a question, or not at all (status 126)
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
  else return 126; fi
}

need_tools() {
  command -v dotnet >/dev/null && dotnet --list-sdks | grep -q '^1[0-9]\.' || { say "The .NET SDK 10 is missing: https://learn.microsoft.com/dotnet/core/install/linux-debian"; exit 1; }
  command -v npm >/dev/null || { say "Node.js with npm is missing. Install: apt-get install nodejs npm"; exit 1; }
}

# install PROBE:PACKAGE...: installs the packages whose probe (a command, or an absolute path, which may be a pattern) is not there
install() {
  local entry probe missing=()
  for entry in "$@"; do
    probe=${entry%%:*}
    case $probe in /*) compgen -G "$probe" >/dev/null ;; *) command -v "$probe" >/dev/null ;; esac || missing+=("${entry#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Installing: ${missing[*]}"
  if ! command -v apt-get >/dev/null; then say "No apt-get here. Install the equivalents of: ${missing[*]}"; return 1; fi
  if ! as_root env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"' install "${missing[@]}" </dev/null >"${TMPDIR:-/tmp}/quarterdeck-apt.$$" 2>&1; then
    tail -5 "${TMPDIR:-/tmp}/quarterdeck-apt.$$" >&2; rm -f "${TMPDIR:-/tmp}/quarterdeck-apt.$$"
    say "Not installed. As root: apt-get install --no-install-recommends ${missing[*]}"
    return 1
  fi
  rm -f "${TMPDIR:-/tmp}/quarterdeck-apt.$$"
}

# Without udev nobody hands /dev/kvm to its group. libvirt then probes QEMU as root (KVM is there) and runs it as another user (KVM is
# not), takes what it learnt for outdated at every call, and probes again for seconds each time.
own_kvm() {
  [ -c /dev/kvm ] && [ ! -S /run/udev/control ] && getent group kvm >/dev/null && [ "$(stat -c %G /dev/kvm)" != kvm ] || return 0
  as_root chgrp kvm /dev/kvm || say "/dev/kvm does not belong to the group kvm, which slows libvirt down. As root: chgrp kvm /dev/kvm"
}

# A libvirt that was started before swtpm was installed runs it as root. What that leaves in swtpm's certificate authority, the user whom
# every later libvirt runs it as cannot open, and no VM with a TPM is made any more.
own_tpm() {
  local authority=/var/lib/swtpm-localca
  [ -d $authority ] && getent passwd tss >/dev/null || return 0
  [ -z "$(as_root find $authority ! -user tss -print -quit 2>/dev/null)" ] || as_root chown -R tss $authority || say "VMs with a TPM may not start. As root: chown -R tss $authority"
}

running() { grep -qxF "$1" /proc/[0-9]*/comm 2>/dev/null; }

# Starts the system's libvirt where nothing else does. What was started here is listed in $started, for those who stop it again.
started=()
start_libvirt() {
  command -v libvirtd >/dev/null || { say "libvirt is not installed: the console starts without a local host (add one under Hosts)."; return 0; }
  own_kvm
  own_tpm
  running libvirtd || running virtqemud && return 0
  if [ -d /run/systemd/system ]; then as_root systemctl start libvirtd || say "libvirtd does not run. As root: systemctl start libvirtd"; return 0; fi
  as_root true || { say "libvirtd does not run, and only root can start it: virtlogd -d; libvirtd -d"; return 0; }
  running virtlogd || { as_root virtlogd -d && started+=(virtlogd); }
  as_root libvirtd -d && started+=(libvirtd)
  for _ in $(seq 50); do [ -S /run/libvirt/libvirt-sock ] && return 0; sleep 0.1; done
  say "libvirtd was started but does not listen; see /var/log/libvirt"
}
stop_libvirt() {
  local name
  for name in "${started[@]}"; do as_root kill "$(cat "/run/$name.pid")" 2>/dev/null || true; done
}

# build_once STAMP COMMAND...: runs the command unless nothing that it reads has changed since it last succeeded
build_once() {
  local stamp=$1 begun; shift
  mkdir -p .run
  exec 9>.run/build.lock; flock 9   # several consoles may be started side by side
  if [ ! -e "$stamp" ] || [ -n "$(find Console.Services Console.Web build bench wwwroot samples ./*.props global.json appsettings.json \
      \( -name bin -o -name obj -o -name node_modules -o -path wwwroot/lib \) -prune -o -newer "$stamp" -print -quit)" ]; then
    begun=$(mktemp); "$@" || { rm -f "$begun"; exit 1; }
    touch -r "$begun" "$stamp"; rm -f "$begun"
  fi
  flock -u 9; exec 9>&-
}
