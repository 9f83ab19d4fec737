using System.Globalization;
using Quarterdeck.Repositories;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Repositories;

/// <summary>What is said of repositories on pages.</summary>
internal static class RepositoryWords
{
    /// <summary>What a state means to the person who looks.</summary>
    public static Meaning Meaning(RepositoryState state) => state switch
    {
        RepositoryState.Ready => Shared.Meaning.Ok,
        RepositoryState.Damaged or RepositoryState.Refused => Shared.Meaning.Attention,
        _ => Shared.Meaning.Failed,
    };

    /// <summary>How many times smaller than its points a repository is.</summary>
    public static string Ratio(RepositoryInfo repository) => repository is { UsedBytes: > 0, LogicalBytes: > 0 } ? Times((double)repository.LogicalBytes / repository.UsedBytes) : "–";

    /// <summary>A ratio as people read it.</summary>
    public static string Times(double ratio) => ratio > 0 ? ratio.ToString(ratio < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " ×" : "–";

    /// <summary>What is printed and put away; enough to open the repository without this console.</summary>
    public static string Sheet(string name, string location, ExportedKey key) => $"""
        QUARTERDECK RECOVERY SHEET

        Repository   {name}
        Location     {location}
        Id           {key.RepositoryId:D}
        Key id       {key.KeyId}

        Key          {key.Key}

        Keep this sheet outside the machine that runs the console. Without the
        key nobody can read the recovery points, not even the makers of Quarterdeck.

        To restore after the console is lost: install a new one, open
        Protection, Repositories, Add repository, give this location and this key.
        Every recovery point appears, and can be restored from there.
        """;

    /// <summary>A sheet as an address that the browser saves as a file.</summary>
    public static string SheetHref(string sheet) => "data:text/plain;charset=utf-8;base64," + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(sheet + "\n"));
}
