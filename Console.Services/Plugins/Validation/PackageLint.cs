using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;

namespace Quarterdeck.Plugins.Validation;

/// <summary>Turns what a package holds into findings.</summary>
internal sealed class PackageLint
{
    private const string Descriptor = "the descriptor (.ovf)", Package = "the package";
    private readonly List<PackageFinding> _findings = [];
    private readonly PackageContents _contents;
    private readonly PermissionCatalogue _catalogue;

    private PackageLint(PackageContents contents, PermissionCatalogue catalogue) => (_contents, _catalogue) = (contents, catalogue);

    public static PackageReport Report(PackageContents contents, PermissionCatalogue catalogue)
    {
        var lint = new PackageLint(contents, catalogue);
        lint.Whole();
        var manifest = lint.Manifest();
        if (contents.Product is { } product) lint.Machine(product, manifest);
        return new PackageReport(manifest?.Key, manifest?.Name, manifest?.Version, contents.Signature?.Publisher, [.. lint._findings.OrderBy(f => f.Level)]);
    }

    private void Problem(string file, string? member, string message, string remedy) => _findings.Add(new PackageFinding(FindingLevel.Problem, file, member, message, remedy));

    private void Warn(string file, string? member, string message, string remedy) => _findings.Add(new PackageFinding(FindingLevel.Warning, file, member, message, remedy));

    /// <summary>What any package is refused for, and who vouches for it.</summary>
    private void Whole()
    {
        foreach (var error in _contents.Refusal is { Errors.Count: 0 } other ? [new FieldError("file", $"{Package}: {other.Title}.", other.Detail)] : _contents.Refusal?.Errors ?? [])
        {
            // A refusal begins with the name of the file it is about.
            var (file, message) = error.Message.Split(": ", 2) is [var name, var rest] ? (name, rest) : (Package, error.Message);
            Problem(file, null, message, error.Remedy);
        }
        foreach (var warning in _contents.Warnings.Where(_ => _contents.Signature is not { HasDigests: false } || _contents.Refusal is not null)) Warn(Descriptor, null, warning, "Nothing, if that is meant.");
        switch (_contents.Signature)
        {
            case { HasDigests: false }:
                Problem(Package, null, "It has no manifest of digests (.mf), so nothing covers quarterdeck-plugin.json.", "Add a file NAME.mf with the SHA-256 of the descriptor and of every other file.");
                break;
            case { State: SignatureState.Invalid, Reason: var reason }:
                Problem("the signature (.cert)", null, reason ?? "It does not hold.", "Sign the .mf file as it is in the package.");
                break;
            case { State: SignatureState.None }:
                Warn(Package, null, "It is not signed.", "Sign its .mf file and add NAME.cert: else each administrator has to allow an unsigned package.");
                break;
            case { Reason: { } weak }:
                Warn("the signature (.cert)", null, weak, "Sign with SHA-256 or better.");
                break;
        }
    }

    private PluginManifest? Manifest()
    {
        if (!_contents.Files.TryGetValue(PluginManifest.FileName, out var bytes))
        {
            if (_contents.Refusal is null) Problem(PluginManifest.FileName, null, "The package does not have it: it is an appliance, but no plug-in.", "Add it at the top level of the package, under References, and to the .mf file.");
            return null;
        }
        if (!_contents.References.Contains(PluginManifest.FileName)) Warn(Descriptor, "References", $"{PluginManifest.FileName} is not listed.", $"""Add <File ovf:id="plugin" ovf:href="{PluginManifest.FileName}" ovf:size="{bytes.Length}"/>.""");
        var read = PluginManifest.Parse(bytes, PluginManifest.FileName);
        foreach (var error in read.Problem?.Errors ?? []) Problem(PluginManifest.FileName, error.Field.Length > PluginManifest.FileName.Length ? error.Field[(PluginManifest.FileName.Length + 1)..] : null, error.Message, error.Remedy);
        if (!read.TryGet(out var manifest, out _)) return null;
        Members(bytes);
        Asks(manifest);
        return manifest;
    }

    /// <summary>Members that nothing reads are most likely misspelt.</summary>
    private void Members(byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes);
        foreach (var member in KnownMembers.Strangers(document.RootElement, ""))
            Warn(PluginManifest.FileName, member, "Consoles of this version ignore it.", "Check its spelling against docs/plugin-protocol.md.");
    }

    private void Asks(PluginManifest manifest)
    {
        foreach (var capability in manifest.Capabilities)
            if (_catalogue.Find(capability) is not { } known) Warn(PluginManifest.FileName, "capabilities", $"This console has no permission '{capability}': it is never granted.", $"Use one of: {string.Join(", ", _catalogue.All.Where(PluginCallers.Grantable).Select(p => p.Key).Order(StringComparer.Ordinal))}.");
            else if (!PluginCallers.Grantable(known)) Warn(PluginManifest.FileName, "capabilities", $"'{capability}' is for people: plug-ins never get it.", "Leave it out.");
        foreach (var name in manifest.Webhook?.Events ?? [])
            if (!KnownEvents.Needs.TryGetValue(name, out var needed)) Warn(PluginManifest.FileName, "webhooks.events", $"This console tells no event '{name}'.", $"Use one of: {string.Join(", ", KnownEvents.Needs.Keys)}.");
            else if (!manifest.Capabilities.Contains(needed)) Warn(PluginManifest.FileName, "webhooks.events", $"'{name}' is told only to those who may '{needed}', and the plug-in does not ask for that.", $"Add {needed} to capabilities.");
        if (manifest.Console is not { } text) Warn(PluginManifest.FileName, "console", "It does not say which consoles it works with.", "Give a range such as >=0.1.0 <1.0.0: other consoles then refuse it before power-on.");
        else if (VersionRange.TryParse(text, out var range) && !range.Holds(SemanticVersion.OfConsole)) Warn(PluginManifest.FileName, "console", $"This console ({SemanticVersion.OfConsole}) is not in its range: it would not be installed here.", "Widen the range if it works here.");
    }

    /// <summary>What the descriptor says, compared with what a plug-in needs.</summary>
    private void Machine(OvaProduct product, PluginManifest? manifest)
    {
        if (_contents.Cards == 0) Problem(Descriptor, "VirtualHardwareSection", "It has no network card: the appliance could not reach the console.", "Add an item of type 10.");
        if (!_contents.Transports.Any(t => t is "iso" or "com.vmware.guestInfo")) Warn(Descriptor, "VirtualHardwareSection", "It names no transport by which the appliance is told its console and its token.", """Add ovf:transport="iso", and read ovf-env.xml from the CD.""");
        if (manifest is null) return;
        foreach (var disk in manifest.DataDisks.Except(_contents.Disks, StringComparer.Ordinal)) Problem(PluginManifest.FileName, "data", $"The descriptor has no disk '{disk}'.", $"Use ids of its DiskSection: {string.Join(", ", _contents.Disks)}.");
        if (_contents.EmptyDisks.Count + manifest.DataDisks.Count == 0) Warn(Descriptor, "DiskSection", "No disk outlives an upgrade: identity and data would be lost with the old version.", "Add a disk without a file, or name a disk under data in quarterdeck-plugin.json.");
        if (product.Version.Length > 0 && product.Version != manifest.Version) Warn(Descriptor, "ProductSection", $"It says version {product.Version}, {PluginManifest.FileName} says {manifest.Version}.", "Say the same in both.");
    }
}
