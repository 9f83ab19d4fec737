namespace Quarterdeck.Repositories.Objects;

/// <summary>Names of a repository's objects; docs/formats/backup-repository.md says what is in them.</summary>
internal static class Names
{
    public const string Config = "quarterdeck-repository.json", Packs = "packs", Indexes = "index", Points = "points", Labels = "labels", Sessions = "sessions", Beats = "beats",
        Locks = "locks", Objects = "objects", Condemned = "condemned", Damage = "damage", Aside = "tmp", CollectLock = "locks/collect";

    public static string Pack(Guid id) => $"{Packs}/{id.ToString("N")[..2]}/{id:N}";

    public static string Index(Guid id) => $"{Indexes}/{id:N}";

    public static string Point(Guid id) => $"{Points}/{id:D}";

    public static string Label(Guid id) => $"{Labels}/{id:D}";

    public static string Session(Guid id) => $"{Sessions}/{id:D}";

    public static string Beat(Guid id) => $"{Beats}/{id:D}";

    public static string Condemnation(Guid id) => $"{Condemned}/{id:D}";

    public static string DamageReport(Guid id) => $"{Damage}/{id:D}";

    /// <summary>The id at the end of a name; null for strange objects, which are left alone.</summary>
    public static Guid? IdOf(string name) => Guid.TryParse(name.AsSpan(name.LastIndexOf('/') + 1), out var id) ? id : null;
}
