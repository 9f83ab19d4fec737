using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;
using Quarterdeck.Plugins.Validation;

namespace Quarterdeck.Plugins;

/// <summary>Checks a package for its author: what the console would refuse, and what it would take but is likely a mistake. Deploys and keeps nothing.</summary>
public sealed class PackageValidator
{
    private readonly Guard _guard;
    private readonly PermissionCatalogue _catalogue;
    private readonly ApplianceImport _import;

    internal PackageValidator(Guard guard, PermissionCatalogue catalogue, ApplianceImport import) => (_guard, _catalogue, _import) = (guard, catalogue, import);

    /// <summary>Whether the caller may have packages checked; asked before the first byte of an upload is read.</summary>
    public async Task<Result<Done>> MayValidateAsync(Caller caller, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, AppliancePermissions.Inspect, "appliance", cancellation) is { } refused ? refused : Done.It;

    /// <summary>Reads a package once and says all that is wrong with it.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="package">The OVA; not sought.</param>
    /// <param name="cancellation">Stops reading.</param>
    public async Task<Result<PackageReport>> ValidateAsync(Caller caller, Stream package, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.Inspect, "appliance", cancellation) is { } refused) return refused;
        return await ReportAsync(package, _import.MaxPackageBytes, _catalogue, cancellation);
    }

    /// <summary>The same without a console: for whoever has the file.</summary>
    internal static async Task<PackageReport> ReportAsync(Stream package, long maxBytes, PermissionCatalogue catalogue, CancellationToken cancellation) =>
        PackageLint.Report(await PackageContents.ReadAsync(package, [PluginManifest.FileName], maxBytes, cancellation), catalogue);
}
