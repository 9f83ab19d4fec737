using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>Every page of the console, for the picture and accessibility runs. A new page is added here.</summary>
public static class Routes
{
    /// <summary>Addresses that need nothing but a signed-in person: file name and path.</summary>
    public static readonly (string Name, string Path)[] Fixed =
    [
        ("overview", "/"),
        ("api", "/api"),
        ("not-found", "/nothing-is-here"),
    ];

    /// <summary>Addresses of objects that are made first over REST.</summary>
    public static async Task<IReadOnlyList<(string Name, string Path)>> AllAsync(TestConsole console) =>
        [.. Fixed, .. await Objects.OfAsync(console)];
}
