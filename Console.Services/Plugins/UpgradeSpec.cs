namespace Quarterdeck.Plugins;

/// <summary>What an administrator asks for when upgrading a plug-in; the JSON part <c>spec</c> of <c>POST /plugins/{id}/actions/upgrade</c>. What is left out stays as it is deployed now.</summary>
public sealed record UpgradeSpec
{
    /// <summary>Values of the new package's properties by their full key; those not named are taken over from the present deployment, except passwords, which the console does not keep.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    /// <summary>The new package's networks by name, and the host network of each; a network not named is the one its card is plugged into now.</summary>
    public IReadOnlyDictionary<string, string> Networks { get; init; } = new Dictionary<string, string>();

    /// <summary>Id of one of the package's deployment options; null for its default.</summary>
    public string? DeploymentOption { get; init; }

    /// <summary>Whether the licences in the package are accepted; must be true when it has any.</summary>
    public bool AcceptEula { get; init; }

    /// <summary>Whether a package without a signature of a trusted publisher may be deployed.</summary>
    public bool AllowUnsigned { get; init; }

    /// <summary>Whether a version that is not newer than the installed one may take its place.</summary>
    public bool AllowDowngrade { get; init; }

    /// <summary>The capabilities approved for the new version; null approves those that were approved before and that it still asks for.</summary>
    public IReadOnlyList<string>? Capabilities { get; init; }
}
