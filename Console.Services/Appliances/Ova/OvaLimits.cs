namespace Quarterdeck.Appliances.Ova;

/// <summary>Bounds of what a package may ask for that no administrator needs to change.</summary>
internal static class OvaLimits
{
    /// <summary>The largest disk: 64 TiB.</summary>
    public const long MaxDiskBytes = 64L << 40;

    /// <summary>The most files of one package, chunks not counted.</summary>
    public const int MaxFiles = 128;

    /// <summary>The most chunks of one package.</summary>
    public const int MaxChunks = 10_000;

    /// <summary>The largest CD image: 128 GiB, a Blu-ray disc of four layers.</summary>
    public const long MaxIsoBytes = 128L << 30;

    /// <summary>The most disks of one package; IDE, SATA and virtio controllers hold as many between them.</summary>
    public const int MaxDisks = 20;

    /// <summary>The largest small file (<c>quarterdeck-plugin.json</c> and the like).</summary>
    public const int MaxSmallFile = 64 << 10;
}
