namespace Quarterdeck.Appliances;

/// <summary>Settings of appliances, section <c>Quarterdeck:Appliances</c>.</summary>
public sealed record AppliancesOptions
{
    /// <summary>The largest package that is taken, in bytes; 512 GiB unless set.</summary>
    public long MaxPackageBytes { get; set; } = 512L << 30;

    /// <summary>Uploads at once on this node; each takes some ten MiB of memory and a processor.</summary>
    public int Uploads { get; set; } = 4;

    /// <summary>How often appliances with passwords in their environment are looked at for their first power-off; 5 s unless set.</summary>
    public TimeSpan PowerOffLook { get; set; } = TimeSpan.FromSeconds(5);
}
