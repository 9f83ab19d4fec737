using System.Xml.Linq;
using Microsoft.Extensions.Options;
using Quarterdeck.Hosts;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Capture;

/// <summary>What a VM keeps beside its disks: the firmware's variables, and the state of its TPM.</summary>
internal sealed class GuestState(IOptions<BackupsOptions> options)
{
    /// <summary>Name of the file with the firmware's variables.</summary>
    public const string Nvram = "nvram";

    /// <summary>Beginning of the names of files of the TPM; the rest is the path in its folder.</summary>
    public const string Tpm = "tpm/";

    /// <summary>Stores it; what cannot be read is told in <paramref name="notes"/>.</summary>
    public async Task<IReadOnlyList<PointFile>> StoreAsync(LocatedVm vm, string xml, Repository repository, List<string> notes, CancellationToken cancellation)
    {
        var files = new List<PointFile>();
        foreach (var (name, path) in Paths(vm.Domain, xml))
            try
            {
                files.Add(await repository.PutFileAsync(name, await File.ReadAllBytesAsync(path, cancellation), cancellation));
            }
            catch (Exception e) when (e is UnauthorizedAccessException or IOException and not NbdException)
            {
                notes.Add($"'{path}' is not part of this point: {e.Message}");
            }
        return files;
    }

    private IEnumerable<(string Name, string Path)> Paths(Guid domain, string xml)
    {
        var disks = DomainDisks.Read(xml);
        if (disks.Nvram is { } nvram && File.Exists(nvram)) yield return (Nvram, nvram); // made at the first start
        if (!disks.HasTpm) yield break;
        var folder = Path.Combine(options.Value.TpmFolder, (string?)XElement.Parse(xml).Element("uuid") ?? domain.ToString());
        if (!Directory.Exists(folder)) yield break;
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) != ".lock").Order(StringComparer.Ordinal))
            yield return (Tpm + Path.GetRelativePath(folder, file), file);
    }
}
