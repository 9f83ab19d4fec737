using System.Reflection;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Hosts;

namespace Quarterdeck.Appliances.Environment;

/// <summary>Writes an appliance's environment into the volume of its CD.</summary>
internal sealed class EnvironmentDisc(ApplianceStore store, TimeProvider time)
{
    /// <summary>What guests look for.</summary>
    public const string Label = "OVF ENV";

    private static readonly string Version = typeof(EnvironmentDisc).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <param name="hypervisor">The appliance's host.</param>
    /// <param name="appliance">The appliance.</param>
    /// <param name="iso">Path of the volume on the host.</param>
    /// <param name="added">Properties that win over the package's own.</param>
    /// <param name="withPasswords">Whether the package's password properties are in it.</param>
    /// <param name="cancellation">Stops.</param>
    public async Task WriteAsync(IHypervisor hypervisor, ApplianceRow appliance, string iso, IReadOnlyDictionary<string, string> added, bool withPasswords, CancellationToken cancellation)
    {
        var properties = new Dictionary<string, string>(appliance.Properties);
        if (withPasswords) foreach (var (key, value) in await store.PasswordsAsync(appliance.Id, cancellation)) properties[key] = value;
        foreach (var (key, value) in added) properties[key] = value;
        var document = EnvironmentDocument.Write(appliance.SystemId, Version, properties);
        var image = IsoImage.Write(Label, EnvironmentDocument.FileName, document, time.GetUtcNow());
        await hypervisor.UploadVolumeAsync(iso, new MemoryStream(image, writable: false), image.Length, cancellation);
    }
}
