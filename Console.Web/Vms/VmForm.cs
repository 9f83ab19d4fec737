using System.Globalization;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Vms;

/// <summary>The text of the fields of <see cref="CreateVmPage"/>, as typed; turned into a request only when all of it can be read.</summary>
internal sealed class VmForm
{
    private static readonly string[] Fields = ["name", "hostId", "vcpus", "memoryMiB", "cdrom", "network", "tags", "machine", "autostart", "start"];

    public string? Name { get; set; }
    public string? HostId { get; set; }
    public string? Vcpus { get; set; } = "1";
    public string? MemoryMiB { get; set; } = "1024";
    public List<DiskForm> Disks { get; } = [new DiskForm()];
    public string? Cdrom { get; set; }
    public string? Network { get; set; }
    public string? Tags { get; set; }
    public string? Machine { get; set; } = "q35";
    public bool Autostart { get; set; }
    public bool Start { get; set; } = true;

    /// <summary>Whether the form shows errors of this field beside it.</summary>
    public bool Shows(string field) => Fields.Contains(field) || (field.StartsWith("disks[", StringComparison.Ordinal) && field.Contains("].", StringComparison.Ordinal));

    /// <summary>The request, or which numbers are none. Everything else is judged by the service.</summary>
    public Result<NewVm> Read()
    {
        var errors = new List<FieldError>();
        var vcpus = Whole("vcpus", Vcpus, "1", errors);
        var memory = Whole("memoryMiB", MemoryMiB, "1024", errors);
        List<NewDisk> disks = [];
        foreach (var (disk, index) in Disks.Select((d, i) => (d, i)))
        {
            if (disk.Kind == "file") disks.Add(new NewDisk(SourcePath: Blank(disk.Path) ?? "", Format: disk.Format));
            else if (decimal.TryParse(disk.SizeGiB, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var size)) disks.Add(new NewDisk(SizeGiB: size));
            else errors.Add(new FieldError($"disks[{index}].sizeGiB", $"'{disk.SizeGiB}' is not a size.", "Give GiB, such as 20 or 0.5."));
        }
        if (!Guid.TryParse(HostId, out var host)) errors.Add(new FieldError("hostId", "No host is chosen.", "Choose one."));
        if (errors.Count > 0) return Problem.Invalid(errors);
        return new NewVm(Name, host, (int)Math.Min(vcpus, int.MaxValue), memory, disks, Blank(Cdrom), Blank(Network), Start)
        {
            Machine = Machine,
            Autostart = Autostart,
            Tags = SplitTags(Tags),
        };
    }

    /// <summary>Tags as typed: separated by commas, blanks around them dropped; null for none.</summary>
    public static IReadOnlyList<string>? SplitTags(string? text) =>
        text?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } tags ? tags : null;

    /// <summary>A whole number as typed, or an error of the field.</summary>
    public static long Whole(string field, string? text, string example, List<FieldError> errors)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        errors.Add(new FieldError(field, $"'{text}' is not a whole number.", $"Give one such as {example}."));
        return 0;
    }

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}

/// <summary>One disk of <see cref="VmForm"/>.</summary>
internal sealed class DiskForm
{
    public string? Kind { get; set; } = "new";
    public string? SizeGiB { get; set; } = "20";
    public string? Path { get; set; }
    public string? Format { get; set; } = "qcow2";
}
