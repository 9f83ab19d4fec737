using System.Globalization;
using System.Xml.Linq;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Reads an OVF descriptor (0.9, and DSP0243 1.x and 2.x) for one deployment option.</summary>
internal sealed class OvfParser
{
    private const int MaxList = 500;
    private readonly string _file;
    private readonly XElement _root;
    private readonly List<string> _warnings = [];
    private string? _option;

    private OvfParser(string file, XElement root) => (_file, _root) = (file, root);

    /// <param name="file">The descriptor's name, for refusals.</param>
    /// <param name="bytes">The descriptor.</param>
    /// <param name="option">The deployment option wanted; null for the package's default.</param>
    public static OvfDescriptor Parse(string file, byte[] bytes, string? option)
    {
        var root = OvfXml.Load(file, bytes);
        OvfEnvelope.Modernise(file, root);
        return new OvfParser(file, root).Read(option);
    }

    private OvfDescriptor Read(string? option)
    {
        var systems = _root.Descendants().Where(e => e.Name.LocalName == "VirtualSystem").Take(2).ToArray();
        if (systems.Length != 1) throw Refusal.Of(_file, systems.Length == 0 ? "it describes no virtual system." : "it describes several virtual systems.", "Packages with exactly one virtual system are deployed.");
        var system = systems[0];
        var options = Options();
        _option = Choose(options, option);
        var files = Files();
        var disks = Disks(files);
        var networks = Section("NetworkSection").SelectMany(s => s.Named("Network")).Select(n => new OvaNetwork(Required(n, "name"), n.Text("Description") ?? "")).ToArray();
        var hardware = OvfEnvelope.Hardware(_file, system);
        OvfHardware Hardware(XElement section, string? of, List<string> warnings) => new OvfHardwareReader(
            _file, of, disks.Select(d => d.Id).ToHashSet(StringComparer.Ordinal), files.Select(f => f.Id).ToHashSet(StringComparer.Ordinal), networks.Select(n => n.Name).ToHashSet(StringComparer.Ordinal), warnings).Read(section);
        return new OvfDescriptor
        {
            SystemId = system.Attr("id") ?? "",
            Product = Product(system),
            Files = files,
            Disks = disks,
            Networks = Unique(networks, n => n.Name, "network"),
            Properties = Unique(new OvfPropertyReader(_file, _option, [.. options.Select(o => o.Id)]).Read(system), p => p.Key, "property"),
            Options = [.. options.Select(o => Under(o, Hardware(hardware, o.Id, [])))],
            Option = _option,
            Eulas = [.. system.Named("EulaSection").Concat(_root.Named("EulaSection")).Select(e => e.Text("License") ?? "").Where(t => t.Length > 0)],
            Hardware = Hardware(hardware, _option, _warnings),
            Warnings = _warnings,
        };
    }

    /// <summary>What choosing an option changes.</summary>
    private static OvaOption Under(OvaOption option, OvfHardware hardware) => option with
    {
        Vcpus = hardware.Vcpus, MemoryMiB = hardware.MemoryMiB, Disks = [.. hardware.Drives.Select(d => d.DiskId!)], Cards = hardware.Cards.Count,
    };

    private IEnumerable<XElement> Section(string name) => _root.Named(name);

    private string Required(XElement element, string attribute) =>
        element.Attr(attribute) is { Length: > 0 and <= 255 } value ? value : throw Refusal.Of(_file, $"a {element.Name.LocalName} has no usable '{attribute}'.");

    private T[] Unique<T>(IEnumerable<T> items, Func<T, string> key, string what)
    {
        var all = items.Take(MaxList + 1).ToArray();
        if (all.Length > MaxList) throw Refusal.Of(_file, $"it has more than {MaxList} of: {what}.");
        if (all.GroupBy(key, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice) throw Refusal.Of(_file, $"the {what} '{Refusal.Printable(twice.Key)}' is there twice.");
        return all;
    }

    private OvaOption[] Options() => Unique(
        Section("DeploymentOptionSection").SelectMany(s => s.Named("Configuration"))
            .Select(c => new OvaOption(Required(c, "id"), c.Text("Label") ?? c.Attr("id")!, c.Text("Description") ?? "", c.Flag("default"))),
        o => o.Id, "deployment option");

    private static string? Choose(OvaOption[] options, string? wanted)
    {
        if (wanted is null) return (options.FirstOrDefault(o => o.Default) ?? options.FirstOrDefault())?.Id;
        if (options.Any(o => o.Id == wanted)) return wanted;
        var known = options.Length == 0 ? "Leave it out: this package has no options." : $"Choose one of: {string.Join(", ", options.Select(o => Refusal.Printable(o.Id)))}.";
        throw new Platform.ProblemException(Platform.Problem.Invalid("deploymentOption", $"The package has no deployment option '{Refusal.Printable(wanted)}'.", known));
    }

    private OvfFile[] Files()
    {
        var files = Unique(Section("References").SelectMany(s => s.Named("File")).Select(File), f => f.Id, "file id");
        return Unique(files, f => f.Href, "file reference");

        OvfFile File(XElement file)
        {
            var href = Required(file, "href");
            if (href.AsSpan().ContainsAny("/\\:")) throw Refusal.Of(href, "the descriptor names it by a path or an address.", "Only files inside the package are taken.");
            var compression = file.Attr("compression") ?? "";
            if (compression is not ("" or "identity" or "gzip")) throw Refusal.Of(href, $"the compression '{Refusal.Printable(compression)}' is not supported.", "Repack it with gzip, or without compression.");
            return new OvfFile(Required(file, "id"), href, Bytes(file, "size"), compression == "gzip", Bytes(file, "chunkSize") is { } chunk and > 0 ? chunk : null);
        }

        long? Bytes(XElement file, string name) =>
            file.Attr(name) is not { Length: > 0 } text ? null
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw Refusal.Of(_file, $"the {name} '{Refusal.Printable(text)}' of the file {Refusal.Printable(file.Attr("href")!)} is no number.");
    }

    private OvfDisk[] Disks(OvfFile[] files)
    {
        var disks = Unique(Section("DiskSection").SelectMany(s => s.Named("Disk")).Select(Disk), d => d.Id, "disk id");
        if (disks.Where(d => d.FileId is not null).GroupBy(d => d.FileId).Any(g => g.Count() > 1)) throw Refusal.Of(_file, "two disks share one file.");
        return disks;

        OvfDisk Disk(XElement disk)
        {
            var id = Required(disk, "diskId");
            var text = disk.Attr("capacity") ?? "";
            if (OvfUnits.Bytes(text, disk.Attr("capacityAllocationUnits"), 1) is not { } capacity)
                throw Refusal.Of(_file, $"the capacity '{Refusal.Printable(text)}' of disk {Refusal.Printable(id)} is not understood.");
            if (capacity is <= 0 or > OvaLimits.MaxDiskBytes) throw Refusal.Of(_file, $"the capacity {capacity} of disk {Refusal.Printable(id)} is outside 1 byte to 64 TiB.");
            if (disk.Attr("parentRef") is { Length: > 0 }) throw Refusal.Of(_file, $"disk {Refusal.Printable(id)} builds on another disk.", "Packages with whole disks are deployed.");
            var file = disk.Attr("fileRef");
            if (file is { Length: > 0 } && files.All(f => f.Id != file)) throw Refusal.Of(_file, $"disk {Refusal.Printable(id)} names the file '{Refusal.Printable(file)}', which is not referenced.");
            return new OvfDisk(id, capacity, file is { Length: > 0 } ? file : null, disk.Attr("format"));
        }
    }

    private static OvaProduct Product(XElement system)
    {
        var section = system.Named("ProductSection").FirstOrDefault(s => s.Text("Product") is not null) ?? system.Named("ProductSection").FirstOrDefault();
        var os = system.Named("OperatingSystemSection").FirstOrDefault();
        var name = section?.Text("Product") ?? system.Text("Name") ?? system.Attr("id") ?? "Appliance";
        return new OvaProduct(Short(name), Short(section?.Text("Vendor")), Short(section?.Text("Version") ?? section?.Text("FullVersion")), Short(os?.Text("Description") ?? os?.Attr("osType")));
    }

    private static string Short(string? text) => string.IsNullOrWhiteSpace(text) ? "" : Refusal.Printable(text.Trim());
}
