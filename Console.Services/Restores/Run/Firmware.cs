using System.Xml.Linq;
using Microsoft.Extensions.Options;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Disks;

namespace Quarterdeck.Restores.Run;

/// <summary>Puts the state of a VM's firmware (NVRAM) and TPM back as the point has it.</summary>
internal sealed class Firmware(ProcessRunner runner, IOptions<BackupsOptions> backups)
{
    private const string Nvram = "nvram", Tpm = "tpm/", TpmUser = "tss";

    /// <summary>Writes the point's files to where the VM's definition wants them. Idempotent; does nothing for a point without any.</summary>
    public async Task RestoreAsync(LocatedVm vm, PointManifest point, Repository repository, IOperationContext operation, CancellationToken cancellation)
    {
        if (point.Files.Count == 0) return;
        var xml = await VmPower.TryAsync(() => vm.Hypervisor.XmlAsync(vm.Domain, cancellation, inactive: true));
        var nvram = (string?)XElement.Parse(xml).Element("os")?.Element("nvram");
        foreach (var file in point.Files)
        {
            if (file.Name == Nvram && !string.IsNullOrWhiteSpace(nvram)) Put(nvram.Trim(), await repository.ReadFileAsync(file, cancellation));
            else if (TpmPath(file.Name, vm.Domain) is { } path)
            {
                var fresh = !File.Exists(path);
                Put(path, await repository.ReadFileAsync(file, cancellation));
                if (fresh) await OwnAsync(Path.Combine(backups.Value.TpmFolder, vm.Domain.ToString("D")), operation, cancellation);
            }
            else operation.Warn($"The point has '{file.Name}', for which the VM has no place; it was left out.");
        }
    }

    // Over the same file, so that its owner stays: libvirt's programs run as users of their own.
    private static void Put(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using (var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write))
        {
            file.SetLength(content.Length);
            file.Write(content);
        }
        Durable.Sync(path);
    }

    // Names come from a repository: nothing but a plain relative path below the VM's own folder is taken.
    private string? TpmPath(string name, Guid domain)
    {
        if (!name.StartsWith(Tpm, StringComparison.Ordinal) || name.Split('/').Any(part => part is "" or "." or "..")) return null;
        return Path.Combine(backups.Value.TpmFolder, domain.ToString("D"), name[Tpm.Length..]);
    }

    private async Task OwnAsync(string folder, IOperationContext operation, CancellationToken cancellation)
    {
        var outcome = await runner.RunAsync(new ProcessSpec("/usr/bin/chown", ["-R", $"{TpmUser}:{TpmUser}", folder]), cancellation);
        if (!outcome.Ok) operation.Warn($"The TPM's files could not be given to {TpmUser}: {outcome.Error.Trim()}");
    }
}
