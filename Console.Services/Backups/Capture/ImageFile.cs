using System.Text.Json;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;

namespace Quarterdeck.Backups.Capture;

/// <summary>One image file of a disk that is off.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
/// <param name="SizeBytes">What the guest sees.</param>
/// <param name="Bitmaps">Its persistent bitmaps.</param>
/// <param name="IsOld">Whether it is of qcow2's first version.</param>
internal sealed record ImageFile(string Path, string Format, long SizeBytes, IReadOnlyList<Bitmap> Bitmaps, bool IsOld);

/// <summary>Looks at and changes images of VMs that are off, with qemu-img. A running QEMU's lock makes every call fail.</summary>
internal sealed class ImageTool(ProcessRunner processes)
{
    private const string Program = "/usr/bin/qemu-img";
    private const int DeepestChain = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>The images of a disk, top first.</summary>
    /// <exception cref="ProblemException">An image cannot be read, or is of a kind that must not be opened unasked.</exception>
    public async Task<IReadOnlyList<ImageFile>> ChainAsync(string path, string format, CancellationToken cancellation)
    {
        var chain = new List<ImageFile>();
        while (true)
        {
            if (format is not ("qcow2" or "raw")) throw Refused(path, $"is of the format '{format}', which the console cannot read while the VM is off. Start the VM, and back it up then");
            var (image, backing, backingFormat) = await ReadAsync(path, format, cancellation);
            chain.Add(image);
            if (backing is null) return chain;
            if (chain.Count == DeepestChain) throw Refused(path, $"stands on more than {DeepestChain} images");
            // An image that does not name its base's format would have it guessed from content that a guest may have written.
            if (backingFormat is null) throw Refused(path, $"does not name the format of the image it stands on. Name it: qemu-img rebase -u -b FILE -F FORMAT {path}");
            (path, format) = (backing, backingFormat);
        }
    }

    /// <summary>Makes an empty qcow2 image.</summary>
    public Task CreateAsync(string path, long size, CancellationToken cancellation) =>
        ChangeAsync(["create", "-q", "-f", "qcow2", path, size.ToString(System.Globalization.CultureInfo.InvariantCulture)], cancellation);

    /// <summary>Adds a bitmap that records from now on.</summary>
    public Task AddBitmapAsync(string path, string name, CancellationToken cancellation) => ChangeAsync(["bitmap", "--add", "--enable", "-f", "qcow2", path, name], cancellation);

    /// <summary>Removes a bitmap.</summary>
    public Task RemoveBitmapAsync(string path, string name, CancellationToken cancellation) => ChangeAsync(["bitmap", "--remove", "-f", "qcow2", path, name], cancellation);

    /// <summary>Adds what one bitmap has marked to another.</summary>
    public Task MergeBitmapAsync(string path, string from, string into, CancellationToken cancellation) => ChangeAsync(["bitmap", "--merge", from, "-f", "qcow2", path, into], cancellation);

    private async Task ChangeAsync(IReadOnlyList<string> arguments, CancellationToken cancellation) =>
        await processes.RequireAsync(new ProcessSpec(Program, arguments) { Timeout = Patience }, cancellation);

    private async Task<(ImageFile Image, string? Backing, string? BackingFormat)> ReadAsync(string path, string format, CancellationToken cancellation)
    {
        var outcome = await processes.RunAsync(new ProcessSpec(Program, ["info", "--output=json", "-f", format, "--", path]) { Timeout = Patience }, cancellation);
        if (!outcome.Ok) throw Refused(path, $"cannot be read: {outcome.Error.Trim()}");
        using var json = JsonDocument.Parse(outcome.Output);
        var root = json.RootElement;
        var data = root.TryGetProperty("format-specific", out var specific) && specific.TryGetProperty("data", out var d) ? d : default;
        if (data.ValueKind == JsonValueKind.Object && data.TryGetProperty("data-file", out _)) throw Refused(path, "keeps its content in another file, which the console does not read. Start the VM, and back it up then");
        if (root.TryGetProperty("encrypted", out var encrypted) && encrypted.GetBoolean()) throw Refused(path, "is encrypted, and only the VM's QEMU has the key. Start the VM, and back it up then");
        var old = data.ValueKind == JsonValueKind.Object && data.TryGetProperty("compat", out var compat) && compat.ValueEquals("0.10");
        var bitmaps = data.ValueKind == JsonValueKind.Object && data.TryGetProperty("bitmaps", out var list) ? list.EnumerateArray().Select(Bitmap).ToList() : [];
        var backing = root.TryGetProperty("full-backing-filename", out var full) ? full.GetString() : root.TryGetProperty("backing-filename", out var plain) ? plain.GetString() : null;
        if (backing is not null && (!System.IO.Path.IsPathRooted(backing) || !File.Exists(backing))) throw Refused(path, $"stands on '{backing}', which is no file of this machine");
        return (new ImageFile(path, format, root.GetProperty("virtual-size").GetInt64(), bitmaps, old), backing, root.TryGetProperty("backing-filename-format", out var named) ? named.GetString() : null);
    }

    private static Bitmap Bitmap(JsonElement bitmap)
    {
        var flags = bitmap.GetProperty("flags").EnumerateArray().Select(f => f.GetString()).ToList();
        return new Bitmap(bitmap.GetProperty("name").GetString()!, flags.Contains("auto") && !flags.Contains("in-use"), null);
    }

    private static ProblemException Refused(string path, string why) => new(Problem.Conflict("A disk image cannot be read", $"'{path}' {why}."));
}
