namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>Addresses of plug-ins' pages in the console.</summary>
internal static class PluginLinks
{
    /// <summary>Below which a plug-in's pages are shown; without a slash at either end.</summary>
    public static string Root(Guid plugin) => $"plugins/{plugin}/ui";

    /// <summary>The page that shows a path of the plug-in's UI.</summary>
    public static string To(Guid plugin, string path) => Root(plugin) + path;

    /// <summary>Whether it is a path of a plug-in's UI: one slash first, nothing that a browser would take for another address.</summary>
    public static bool IsPath(string path) => path.Length is > 0 and <= 2000 && path[0] == '/' && !path.StartsWith("//", StringComparison.Ordinal) && !path.Any(c => c is '\\' or <= ' ' or '\u007f');
}
