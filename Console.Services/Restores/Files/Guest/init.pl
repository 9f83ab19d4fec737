#!/usr/bin/perl
# The one program of the file VM: finds the volumes of a recovery point's disks, and answers the console's questions about them.
# It needs no module and no shell. All that it says is untrusted at the other end: a hostile file system may have taken over the kernel here.
# Wire: questions u32 length, op, payload; answers u32 length, status (0 or an error of Linux), payload. All numbers big-endian.

sub MNT_RO () { 1 | 2 | 4 | 8 }                        # read-only, no set-uid, no devices, no programs
sub sysmount { my ($from, $to, $type, $flags, $data) = map { "$_" } @_; return syscall(165, $from, $to, $type, $flags + 0, $data) == 0 }
sub names { my ($folder, $start) = @_; opendir(my $d, $folder) or return (); return sort { length($a) <=> length($b) || $a cmp $b } grep { index($_, $start) == 0 } readdir $d }
sub restart { syscall(169, 0xfee1dead, 672274793, 0x1234567, 0); exit }
sub word { my ($file) = @_; open(my $f, '<', $file) or return ''; my $line = readline($f); chomp $line if defined $line; return $line // '' }

$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'DEFAULT';
$ENV{PATH} = '/sbin:/bin';
umask 077;
mkdir $_ for qw(/proc /sys /dev /run /m /tmp);
sysmount('proc', '/proc', 'proc', 0, '');
sysmount('sysfs', '/sys', 'sysfs', 0, '');
sysmount('devtmpfs', '/dev', 'devtmpfs', 0, '');

my %loaded;
sub modules {
  my ($set) = @_;
  return if $loaded{$set}++;
  open(my $list, '<', "/mod/$set") or return;
  while (my $name = readline($list)) {
    chomp $name;
    next unless open(my $file, '<', "/mod/$name");
    my $none = '';                                     # syscall wants what it may write to
    syscall(313, fileno($file), $none, 0);
  }
}

sub run { my @command = @_; my $id = fork; if (!$id) { open(STDIN, '<', '/dev/null'); open(STDOUT, '>', '/dev/null'); exec(@command) or exit 127 } waitpid($id, 0); return $? == 0 }

# What the first bytes say; with the label, if there is one.
sub look {
  my ($device) = @_;
  open(my $f, '<:raw', $device) or return ('', '');
  my $head = '';
  while (length($head) < 0x11000) { my $n = sysread($f, $head, 0x11000 - length($head), length($head)); last unless $n }
  $head .= "\0" x (0x11000 - length($head));
  my $at = sub { substr($head, $_[0], $_[1]) };
  my $text = sub { my $t = $at->(@_); $t =~ s/\0.*//s; $t =~ s/ +$//; $t };
  return ('LUKS', '') if $at->(0, 6) eq "LUKS\xba\xbe";
  return ('BitLocker', '') if $at->(3, 8) eq '-FVE-FS-';
  for my $sector (0 .. 3) { return ('LVM', '') if $at->($sector * 512, 8) eq 'LABELONE' && $at->($sector * 512 + 24, 8) eq 'LVM2 001' }
  return ('RAID', '') if $at->(0x1000, 4) eq "\xfc\x4e\x2b\xa9" || $at->(0, 4) eq "\xfc\x4e\x2b\xa9";
  return ('xfs', $text->(108, 12)) if $at->(0, 4) eq 'XFSB';
  return ('btrfs', $text->(0x1012b, 256)) if $at->(0x10040, 8) eq '_BHRfS_M';
  return ('ntfs', '') if $at->(3, 8) eq 'NTFS    ';
  return ('exfat', '') if $at->(3, 8) eq 'EXFAT   ';
  return ('ReFS', '') if $at->(3, 4) eq 'ReFS';
  return ('squashfs', '') if $at->(0, 4) eq 'hsqs';
  return ('swap', '') if $at->(4086, 10) =~ /^SWAP(SPACE2|-SPACE)$/;
  return ('ext4', $text->(0x478, 16)) if $at->(0x438, 2) eq "\x53\xef";
  return ('iso9660', $text->(0x8028, 32)) if $at->(0x8001, 5) eq 'CD001';
  return ('udf', '') if $at->(0x8001, 5) eq 'BEA01';
  if ($at->(510, 2) eq "\x55\xaa") {
    return ('vfat', $text->(71, 11)) if $at->(82, 5) eq 'FAT32';
    return ('vfat', $text->(43, 11)) if $at->(54, 3) eq 'FAT';
  }
  return ('', '');
}

my %how = (
  ext4 => [['ext4', ''], ['ext4', 'noload']], xfs => [['xfs', 'nouuid'], ['xfs', 'nouuid,norecovery']], btrfs => [['btrfs', 'subvolid=5'], ['btrfs', 'subvolid=5,rescue=nologreplay']],
  vfat => [['vfat', 'iocharset=utf8,utf8']], exfat => [['exfat', '']], iso9660 => [['iso9660', '']], udf => [['udf', '']], squashfs => [['squashfs', '']], ntfs => [],
);
my @volumes;   # [id, disk, type, label, bytes, why, device]

sub add {
  my ($id, $disk, $device, $sectors) = @_;
  my ($type, $label) = look($device);
  my $why = $how{$type} ? '' : $type eq '' ? 'none' : 'unsupported';
  $why = 'missing' if $type eq 'ntfs' && !-x '/bin/ntfs-3g' || $type eq 'LVM' && !-x '/sbin/lvm';
  push @volumes, [$id, $disk, $type, $label, $sectors * 512, $why, $device];
}

sub find_volumes {
  for my $block (names('/sys/block', 'vd')) {
    my $target = word("/sys/block/$block/serial") || $block;
    my @parts = sort { $a->[0] <=> $b->[0] } map { [word("/sys/block/$block/$_/partition"), $_] } names("/sys/block/$block", $block);
    my $glue = $target =~ /\d$/ ? 'p' : '';
    if (@parts) { for (@parts) { my $sectors = word("/sys/block/$block/$_->[1]/size"); add("$target$glue$_->[0]", $target, "/dev/$_->[1]", $sectors) if $sectors > 2 } }
    else { add($target, $target, "/dev/$block", word("/sys/block/$block/size")) }
  }
  return unless grep { $_->[2] eq 'LVM' && $_->[5] eq 'unsupported' } @volumes;
  modules('lvm');
  mkdir $_ for qw(/run/lock /run/lock/lvm /run/lvm /etc /etc/lvm);
  run('/sbin/lvm', 'vgchange', '--config', 'activation{udev_sync=0 udev_rules=0 monitoring=0} global{thin_check_executable="" cache_check_executable=""} devices{use_devicesfile=0} backup{backup=0 archive=0}', '-ay');
  for my $block (names('/sys/block', 'dm-')) {
    next unless word("/sys/block/$block/dm/uuid") =~ /^LVM-[A-Za-z0-9]{64}$/;      # others are parts of one
    my $name = word("/sys/block/$block/dm/name");
    my ($group, $volume) = split(/(?<!-)-(?!-)/, $name, 2);
    s/--/-/g for $group, $volume;
    add("$group/$volume", '', "/dev/$block", word("/sys/block/$block/size"));
  }
  @volumes = grep { $_->[2] ne 'LVM' || $_->[5] ne 'unsupported' } @volumes;
}

# Mounted when first asked for: one that takes the kernel down must not keep the others from being read.
sub root_of {
  my ($index) = @_;
  my $volume = $volumes[$index] or return (undef, 2);
  my $root = "/m/$index";
  return ($root, 0) if -e "/run/$index.ok";
  open(my $lock, '>', "/run/$index.lock");
  flock($lock, 2);
  return ($root, 0) if -e "/run/$index.ok";
  mkdir $root;
  my ($type, $device, $done) = ($volume->[2], $volume->[6], 0);
  modules($type);
  if ($type eq 'ntfs') { $done = run('/bin/ntfs-3g', '-o', 'ro,streams_interface=none,norecover', $device, $root) || run('/bin/ntfs-3g', '-o', 'ro,streams_interface=none', $device, $root) }
  else { for my $way (@{$how{$type} || []}) { $done = sysmount($device, $root, $way->[0], MNT_RO, $way->[1]); last if $done } }
  return (undef, 117) unless $done;
  open(my $ok, '>', "/run/$index.ok");
  return ($root, 0);
}

# No link is followed, and nothing but folders is walked through.
sub place {
  my ($index, $path) = @_;
  my ($root, $error) = root_of($index);
  return (undef, $error) if $error;
  my $at = $root;
  my @names = grep { length } split(m{/}, $path);
  for my $i (0 .. $#names) {
    return (undef, 22) if $names[$i] eq '.' || $names[$i] eq '..';
    $at .= "/$names[$i]";
    my @s = lstat($at) or return (undef, $! + 0);
    return (undef, 20) if $i < $#names && ($s[2] & 0170000) != 0040000;
  }
  return ($at, 0);
}

sub entry {
  my ($full, $name) = @_;
  my @s = lstat($full);
  return pack('C N N N Q> q> Q> Q> n/a* n/a*', 4, 0, 0, 0, 0, 0, 0, 0, $name, '') unless @s;
  my $format = $s[2] & 0170000;
  my $kind = $format == 0100000 ? 0 : $format == 0040000 ? 1 : $format == 0120000 ? 2 : 3;
  return pack('C N N N Q> q> Q> Q> n/a* n/a*', $kind, $s[2] & 07777, $s[4], $s[5], $kind == 0 ? $s[7] : 0, $s[9], $s[1], $s[0], $name, $kind == 2 ? (readlink($full) // '') : '');
}

my ($folder, $folder_at, $folder_key);                  # a folder that is read on, and how far it was
sub list {
  my ($index, $path, $skip, $most) = unpack('n n/a* N N', $_[0]);
  my ($at, $error) = place($index, $path);
  return ($error, '') if $error;
  if (($folder_key // '') ne "$index $path" || $folder_at != $skip) {
    lstat($at);
    return (20, '') unless -d _;
    opendir($folder, $at) or return ($! + 0, '');
    ($folder_key, $folder_at) = ("$index $path", 0);
    while ($folder_at < $skip) { my $name = readdir($folder) // last; $folder_at++ unless $name eq '.' || $name eq '..' }
  }
  my ($out, $count) = ('', 0);
  $! = 0;
  while ($count < $most && length($out) < 900_000) {
    $! = 0;
    my $name = readdir($folder);
    if (!defined $name) { my $flag = $! ? 2 : 0; undef $folder_key; return (0, pack('C', $flag) . $out) }
    next if $name eq '.' || $name eq '..';
    $folder_at++;
    $count++;
    $out .= entry("$at/$name", $name);
  }
  return (0, pack('C', 1) . $out);
}

sub plain { my ($text) = @_; utf8::decode($text); return lc $text }
sub find {
  my ($index, $path, $needle, $below, $most, $visits, $seconds) = unpack('n n/a* n/a* C N N N', $_[0]);
  my ($top, $error) = place($index, $path);
  return ($error, '') if $error;
  my ($wanted, $end, $out, $found, $flag) = (plain($needle), time + $seconds, '', 0, 0);
  my @todo = ('');
  while (defined(my $folder = shift @todo)) {
    opendir(my $d, "$top$folder") or next;
    while (defined(my $name = readdir($d))) {
      next if $name eq '.' || $name eq '..';
      return (0, pack('C', 1) . $out) if $visits-- <= 0 || time > $end || length($out) > 900_000;
      my $full = "$top$folder/$name";
      if (index(plain($name), $wanted) >= 0) {
        return (0, pack('C', 1) . $out) if $found++ >= $most;
        $out .= entry($full, substr("$folder/$name", 1));
      }
      if ($below) { lstat($full); push @todo, "$folder/$name" if -d _ && length($full) < 3500 && @todo < 50_000 }
    }
  }
  return (0, pack('C', 0) . $out);
}

sub stat_one {
  my ($index, $path) = unpack('n n/a*', $_[0]);
  my ($at, $error) = place($index, $path);
  return ($error, '') if $error;
  my ($name) = $path =~ m{([^/]*)/*$};
  return (0, entry($at, $name));
}

my ($file, $file_key);
sub read_some {
  my ($index, $path, $offset, $length) = unpack('n n/a* Q> N', $_[0]);
  if (($file_key // '') ne "$index $path") {
    undef $file_key;
    my ($at, $error) = place($index, $path);
    return ($error, '') if $error;
    sysopen($file, $at, 0400000 | 04000) or return ($! + 0, '');     # O_NOFOLLOW, O_NONBLOCK
    return (22, '') unless -f $file;
    $file_key = "$index $path";
  }
  sysseek($file, $offset, 0) or return ($! + 0, '');
  my $data = '';
  while (length($data) < $length) {
    my $n = sysread($file, $data, $length - length($data), length($data));
    return ($! + 0, '') unless defined $n;
    last unless $n;
  }
  return (0, $data);
}

sub tell_volumes { return (0, join '', map { pack('n/a* n/a* n/a* n/a* Q> n/a*', @{$_}[0 .. 5]) } @volumes) }

my %answers = (V => \&tell_volumes, L => \&list, F => \&find, S => \&stat_one, R => \&read_some);

sub take { my ($port, $length) = @_; my $bytes = ''; while (length($bytes) < $length) { my $n = sysread($port, $bytes, $length - length($bytes), length($bytes)); if (!$n) { select(undef, undef, undef, 0.05); next } } return $bytes }
sub serve {
  my ($device) = @_;
  open(my $port, '+<:raw', $device) or return;
  while (1) {
    my $length = unpack('N', take($port, 4));
    return if $length < 1 || $length > 16384;
    my ($op, $payload) = unpack('a1 a*', take($port, $length));
    my ($status, $answer) = $answers{$op} ? $answers{$op}->($payload) : (38, '');
    $answer = pack('N C', 1 + length($answer), $status) . $answer;
    for (my $sent = 0; $sent < length($answer);) { my $n = syswrite($port, $answer, length($answer) - $sent, $sent); return unless $n; $sent += $n }
  }
}

modules('base');
for (1 .. 500) { last if (my @ports = names('/sys/class/virtio-ports', 'vport')); select(undef, undef, undef, 0.01) }
select(undef, undef, undef, 0.05);
my $expected = word('/proc/cmdline') =~ /files\.disks=(\d+)/ ? $1 : 1;
for (1 .. 500) { my @disks = names('/sys/block', 'vd'); last if @disks >= $expected; select(undef, undef, undef, 0.01) }
find_volumes();
for my $port (names('/dev', 'vport')) { my $id = fork; next if $id; serve("/dev/$port"); exit }
wait;                                                   # a server that ends was told nonsense, or died of it
restart();
