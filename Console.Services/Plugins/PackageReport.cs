namespace Quarterdeck.Plugins;

/// <summary>How much a finding matters.</summary>
public enum FindingLevel
{
    /// <summary>The package cannot be installed as a plug-in.</summary>
    Problem,
    /// <summary>It can be installed; its author should know all the same.</summary>
    Warning,
}

/// <summary>Something about a package that its author should know.</summary>
/// <param name="Level">How much it matters.</param>
/// <param name="File">The file in the package.</param>
/// <param name="Member">The member of that file, such as <c>contributes.menu[0].path</c>; null for the whole file.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Remedy">What to do about it.</param>
public sealed record PackageFinding(FindingLevel Level, string File, string? Member, string Message, string Remedy);

/// <summary>What a check of a package found.</summary>
/// <param name="Key">The plug-in's key; null when its manifest cannot be read.</param>
/// <param name="Name">Its name; null as above.</param>
/// <param name="Version">Its version; null as above.</param>
/// <param name="SignedBy">Subject of the signing certificate, trusted or not; null when unsigned.</param>
/// <param name="Findings">Problems first.</param>
public sealed record PackageReport(string? Key, string? Name, string? Version, string? SignedBy, IReadOnlyList<PackageFinding> Findings)
{
    /// <summary>Whether it can be installed as a plug-in: there are no problems.</summary>
    public bool Valid => Findings.All(f => f.Level is not FindingLevel.Problem);
}
