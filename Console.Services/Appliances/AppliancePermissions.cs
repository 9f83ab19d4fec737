using Quarterdeck.Access;

namespace Quarterdeck.Appliances;

/// <summary>What callers may do with appliances.</summary>
public static class AppliancePermissions
{
    /// <summary>See which appliances were deployed, from which package and publisher.</summary>
    public static readonly Permission Read = new("appliances.read", Role.Viewer, "See deployed appliances");

    /// <summary>Remove appliances with their disks, and take passwords out of their environments.</summary>
    public static readonly Permission Manage = new("appliances.manage", Role.Administrator, "Remove appliances and take passwords out of their environments");

    /// <summary>Upload a package to see what it is.</summary>
    public static readonly Permission Inspect = new("appliances.inspect", Role.Operator, "Upload an OVA to see what it is");

    /// <summary>Deploy a package: its disks are third-party code, and it may become a plug-in.</summary>
    public static readonly Permission Deploy = new("appliances.deploy", Role.Administrator, "Deploy OVA appliances");

    /// <summary>See whose packages are trusted.</summary>
    public static readonly Permission ReadPublishers = new("publishers.read", Role.Viewer, "See the trusted publishers");

    /// <summary>Say whose packages are trusted: they deploy without a further question.</summary>
    public static readonly Permission ManagePublishers = new("publishers.manage", Role.Administrator, "Trust publishers of appliances, and withdraw it");
}
