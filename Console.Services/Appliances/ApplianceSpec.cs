namespace Quarterdeck.Appliances;

/// <summary>What an administrator asks for when deploying an OVA; the JSON part <c>spec</c> of <c>POST /appliances</c>.</summary>
public sealed record ApplianceSpec
{
    /// <summary>Name of the VM to be made; unique on its host.</summary>
    public required string Name { get; init; }

    /// <summary>The host it is deployed to.</summary>
    public required Guid HostId { get; init; }

    /// <summary>Values of the package's user-configurable properties by their full key (<c>class.key.instance</c>).</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    /// <summary>The package's networks by name, and the host network each is mapped to: a libvirt network's name, <c>bridge:NAME</c>, or <c>user</c>.</summary>
    public IReadOnlyDictionary<string, string> Networks { get; init; } = new Dictionary<string, string>();

    /// <summary>Id of one of the package's deployment options; null for its default.</summary>
    public string? DeploymentOption { get; init; }

    /// <summary>Whether the licences in the package are accepted; must be true when it has any.</summary>
    public bool AcceptEula { get; init; }

    /// <summary>Whether a package without a signature of a trusted publisher may be deployed.</summary>
    public bool AllowUnsigned { get; init; }

    /// <summary>Whether it is powered on once it is deployed; true unless said otherwise. A plug-in is always powered on, as it must enrol.</summary>
    public bool? Start { get; init; }

    /// <summary>Permission keys, of those that the plug-in asks for, which the administrator approves; none unless named. Only permissions that the caller has can be approved.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>Whether it is to enrol as a plug-in although it carries no <c>quarterdeck-plugin.json</c>; a package that carries one is a plug-in unless this is false.</summary>
    public bool? Plugin { get; init; }
}
