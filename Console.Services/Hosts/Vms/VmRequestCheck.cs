using System.Text.RegularExpressions;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Hosts.Storage;
using Quarterdeck.Platform;
using Quarterdeck.Tags;

namespace Quarterdeck.Hosts.Vms;

/// <summary>Checks what is asked for, field by field, and resolves paths.</summary>
internal sealed partial class VmRequestCheck(ConsoleOptions options, VmReader vms, TimeProvider time)
{
    private const int MaxVcpus = 256, MaxDisks = 24, MinMemory = 16, MaxMemory = 4 * 1024 * 1024, MaxSizeGiB = 64 * 1024;
    private const long GiB = 1L << 30;

    /// <summary>Everything that is wrong with a new VM at once, or its specification.</summary>
    public async Task<Result<VmSpec>> CheckAsync(NewVm vm, HostInfo host, CancellationToken cancellation)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        var errors = new List<FieldError>();
        if (VmNames.Check(vm.Name, "name") is { } name) errors.Add(name);
        if (Vcpus(vm.Vcpus) is { } vcpus) errors.Add(vcpus);
        if (Memory(vm.MemoryMiB) is { } memory) errors.Add(memory);
        var machine = vm.Machine ?? "q35";
        if (machine is not ("q35" or "pc")) errors.Add(new FieldError("machine", $"'{machine}' is not known.", "Use q35 or pc."));
        if (vm.Network is not null && !Network().IsMatch(vm.Network)) errors.Add(new FieldError("network", $"'{vm.Network}' is not a network.", "Use user, bridge:NAME, or the name of a libvirt network."));
        if (BootOrder(vm.BootOrder) is { } boot) errors.Add(boot);
        if (!TagIndex.Normalise(vm.Tags ?? []).TryGet(out var tags, out var wrongTags)) errors.AddRange(wrongTags.Errors);

        var local = host.Uri.StartsWith("qemu:///", StringComparison.Ordinal) || host.Uri.StartsWith("qemu+unix:///", StringComparison.Ordinal) || host.Uri.StartsWith("test:", StringComparison.Ordinal);
        var disks = new List<DiskSpec>();
        var wanted = vm.Disks ?? [];
        if (wanted.Count > MaxDisks) errors.Add(new FieldError("disks", $"There are {wanted.Count}.", $"Give at most {MaxDisks}."));
        for (var i = 0; i < Math.Min(wanted.Count, MaxDisks); i++)
            if (await DiskAsync(wanted[i], $"disks[{i}]", $"vd{(char)('a' + i)}", vm.Name ?? "", id, host.Id, local, errors, cancellation) is { } disk)
                disks.Add(disk);
        foreach (var twice in disks.Where(d => d.Path is not null).GroupBy(d => d.Path).Where(g => g.Count() > 1))
            errors.Add(new FieldError("disks", $"'{twice.Key}' is given {twice.Count()} times.", "Give each file once."));
        string? cdrom = null;
        if (vm.Cdrom is not null) cdrom = File(vm.Cdrom, "raw", "cdrom", local, errors);
        if (errors.Count > 0) return Problem.Invalid(errors);
        return new VmSpec(id, host.Id, vm.Name!, vm.Vcpus, vm.MemoryMiB, disks, cdrom, vm.Network, vm.Start, machine, vm.Autostart,
            vm.BootOrder ?? (cdrom is null ? [BootDevice.Disk, BootDevice.Network] : [BootDevice.Cdrom, BootDevice.Disk, BootDevice.Network]), tags ?? []);
    }

    /// <summary>Everything that is wrong with a change, or null.</summary>
    public static Problem? Check(VmChange change)
    {
        var errors = new List<FieldError>();
        if (change.Name is not null && VmNames.Check(change.Name, "name") is { } name) errors.Add(name);
        if (change.Vcpus is { } count && Vcpus(count) is { } vcpus) errors.Add(vcpus);
        if (change.MemoryMiB is { } amount && Memory(amount) is { } memory) errors.Add(memory);
        if (BootOrder(change.BootOrder) is { } boot) errors.Add(boot);
        if (change.Tags is not null && TagIndex.Normalise(change.Tags).Problem is { } tags) errors.AddRange(tags.Errors);
        return errors.Count > 0 ? Problem.Invalid(errors) : null;
    }

    private async Task<DiskSpec?> DiskAsync(NewDisk disk, string field, string target, string vmName, Guid vmId, Guid hostId, bool local, List<FieldError> errors, CancellationToken cancellation)
    {
        var format = disk.Format ?? (disk.SourcePath is null ? "qcow2" : null);
        if (format is not ("qcow2" or "raw"))
        {
            errors.Add(new FieldError($"{field}.format", format is null ? "It is missing." : $"'{format}' is not supported.", "Use qcow2 or raw."));
            return null;
        }
        if (disk.SourcePath is not null == disk.SizeGiB is not null)
        {
            errors.Add(new FieldError(field, "A disk is either new or taken from a file.", "Give either sizeGiB or sourcePath."));
            return null;
        }
        if (disk.SourcePath is not null)
        {
            if (File(disk.SourcePath, format, $"{field}.sourcePath", local, errors) is not { } path) return null;
            if (await vms.UsersOfAsync(hostId, path, vmId, cancellation) is [var user, ..])
                errors.Add(new FieldError($"{field}.sourcePath", $"'{path}' is a disk of '{user}' already.", "Copy it first; two VMs would destroy each other's data."));
            return new DiskSpec(target, format, 0, null, null, path);
        }
        if (disk.SizeGiB is <= 0 or > MaxSizeGiB)
        {
            errors.Add(new FieldError($"{field}.sizeGiB", $"{disk.SizeGiB} GiB is not possible.", $"Give more than 0 and at most {MaxSizeGiB} (64 TiB)."));
            return null;
        }
        const long MiB = 1L << 20;
        var bytes = (long)Math.Ceiling(disk.SizeGiB!.Value * GiB / MiB) * MiB; // whole mebibytes: every tool on the way agrees about those
        return new DiskSpec(target, format, bytes, disk.Pool, VmNames.Volume(vmName, vmId, target, format), null);
    }

    private string? File(string path, string format, string field, bool local, List<FieldError> errors)
    {
        if (!local)
        {
            errors.Add(new FieldError(field, "The host is another machine, whose files cannot be checked from here.", "Use a host of this machine, or create an empty disk."));
            return null;
        }
        if (FileRoots.Resolve(path, options.ImageRoots) is not { } resolved)
        {
            errors.Add(new FieldError(field, $"'{path}' is not inside the image roots, or does not exist.", $"Put it into one of {string.Join(", ", options.ImageRoots)}, or add its folder to QUARTERDECK_IMAGE_ROOTS."));
            return null;
        }
        if (ImageCheck.Look(resolved, format, field) is not { } wrong) return resolved;
        errors.Add(wrong);
        return null;
    }

    private static FieldError? Vcpus(int count) => count is < 1 or > MaxVcpus ? new FieldError("vcpus", $"{count} is not possible.", $"Give 1 to {MaxVcpus}.") : null;

    private static FieldError? Memory(long amount) => amount is < MinMemory or > MaxMemory ? new FieldError("memoryMiB", $"{amount} MiB is not possible.", $"Give {MinMemory} to {MaxMemory} (4 TiB).") : null;

    private static FieldError? BootOrder(IReadOnlyList<BootDevice>? order) =>
        order is not null && (order.Count == 0 || order.Distinct().Count() != order.Count || order.Any(d => !Enum.IsDefined(d)))
            ? new FieldError("bootOrder", "It is empty or names a device twice.", "Give disk, cdrom and network in the wanted order, each at most once.")
            : null;

    // Names of interfaces have at most 15 bytes in Linux; libvirt's networks anything but a slash.
    [GeneratedRegex(@"\A(user|bridge:[A-Za-z0-9][A-Za-z0-9_.-]{0,14}|(?!bridge:)[^/\p{C}]{1,64})\z")]
    private static partial Regex Network();
}
