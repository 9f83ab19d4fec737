namespace Quarterdeck.Web;

/// <summary>Where <c>appsettings.json</c> and <c>wwwroot</c> lie.</summary>
internal static class ContentRoot
{
    /// <summary>The working directory when it has both, else the first folder with both above the program: the published files, or the repository of a build.</summary>
    public static string Find()
    {
        var current = Directory.GetCurrentDirectory();
        if (HasContent(current)) return current;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (HasContent(folder.FullName)) return folder.FullName;
        return AppContext.BaseDirectory;
    }

    private static bool HasContent(string folder) =>
        File.Exists(Path.Combine(folder, "appsettings.json")) && Directory.Exists(Path.Combine(folder, "wwwroot"));
}
