using System.Reflection;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Environment;

/// <summary>Writes an appliance's environment into the volumes that its guest reads it from: the CD, and the file behind the firmware's configuration.</summary>
/// <remarks>The domain's XML names the files only, so that no secret is ever in it.</remarks>
internal sealed class EnvironmentWriter(ApplianceStore store, TimeProvider time)
{
    /// <summary>What guests look for.</summary>
    public const string Label = "OVF ENV";

    /// <summary>Room for what contributors add, now or at a later writing.</summary>
    private const int Spare = 16 << 10, Page = 4 << 10;

    private static readonly string Version = typeof(EnvironmentWriter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <summary>Makes the volumes, each noted before; idempotent.</summary>
    public async Task<EnvironmentPlaces> PlacesAsync(IOperationContext operation, IHypervisor hypervisor, DeployInput input, ApplianceRow appliance, OvfHardware hardware, CancellationToken cancellation)
    {
        var pool = await hypervisor.EnsurePoolAsync(null, cancellation);
        // A package that names no transport gets the CD, which hurts nobody; only one that wants nothing but the other goes without.
        var iso = hardware.Transports is [EnvironmentPlaces.GuestInfo] ? null : await VolumeAsync("environment.iso", IsoImage.Bytes);
        var firmware = hardware.Transports.Contains(EnvironmentPlaces.GuestInfo) ? await VolumeAsync("environment.xml", await FirmwareBytesAsync(appliance, cancellation)) : null;
        return new EnvironmentPlaces(iso, firmware);

        async Task<string> VolumeAsync(string suffix, long bytes)
        {
            var name = input.VolumeName(suffix);
            await operation.NoteAsync(DeployNotes.Volume, new VolumeName(pool.Name, name).ToString());
            return (await hypervisor.VolumeAsync(pool.Name, name, cancellation) ?? await hypervisor.CreateVolumeAsync(new NewVolume(pool.Name, name, "raw", bytes), cancellation)).Path;
        }
    }

    /// <summary>Size of the firmware file's volume in bytes: it keeps it for ever, as files are rewritten in place.</summary>
    private async Task<long> FirmwareBytesAsync(ApplianceRow appliance, CancellationToken cancellation) =>
        ((await DocumentAsync(appliance, new Dictionary<string, string>(), withPasswords: true, cancellation)).Length + Spare + Page - 1) / Page * Page;

    /// <param name="hypervisor">The appliance's host.</param>
    /// <param name="appliance">The appliance.</param>
    /// <param name="places">Volumes on the host.</param>
    /// <param name="added">Properties that win over the package's own.</param>
    /// <param name="withPasswords">Whether the package's password properties are in it.</param>
    /// <param name="cancellation">Stops.</param>
    public async Task WriteAsync(
        IHypervisor hypervisor, ApplianceRow appliance, EnvironmentPlaces places, IReadOnlyDictionary<string, string> added, bool withPasswords, CancellationToken cancellation)
    {
        var document = await DocumentAsync(appliance, added, withPasswords, cancellation);
        if (places.Iso is { } iso) await UploadAsync(hypervisor, iso, IsoImage.Write(Label, EnvironmentDocument.FileName, document, time.GetUtcNow()), cancellation);
        if (places.Firmware is not { } firmware) return;
        var room = (await hypervisor.VolumeAsync(firmware, cancellation))?.CapacityBytes ?? throw new ProblemException(Problem.Conflict("The environment is gone", $"The volume {firmware} was deleted outside. Deploy the package again."));
        if (document.Length > room) throw new ProblemException(Problem.Conflict("The environment does not fit", $"It has {document.Length} bytes, but {firmware} holds {room}. Deploy the package again."));
        var padded = new byte[room];
        // Blank lines may follow an XML document, and they cover what a longer one before had at its end.
        padded.AsSpan().Fill((byte)'\n');
        document.CopyTo(padded, 0);
        await UploadAsync(hypervisor, firmware, padded, cancellation);
    }

    private async Task<byte[]> DocumentAsync(ApplianceRow appliance, IReadOnlyDictionary<string, string> added, bool withPasswords, CancellationToken cancellation)
    {
        var properties = new Dictionary<string, string>(appliance.Properties);
        if (withPasswords) foreach (var (key, value) in await store.PasswordsAsync(appliance.Id, cancellation)) properties[key] = value;
        foreach (var (key, value) in added) properties[key] = value;
        return EnvironmentDocument.Write(appliance.SystemId, Version, properties);
    }

    private static Task UploadAsync(IHypervisor hypervisor, string path, byte[] content, CancellationToken cancellation) =>
        hypervisor.UploadVolumeAsync(path, new MemoryStream(content, writable: false), content.Length, cancellation);
}
