using Quarterdeck.Workers;
using Quarterdeck.Workers.Front.Assets;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>Which static file answers a path.</summary>
public sealed class AssetPathsTests
{
    private static WorkerAssets Assets(AssetNotFound notFound) => new(
        new[] { "/index.html", "/about.html", "/docs/index.html", "/docs/404.html", "/404.html", "/a b.txt", "/both.html", "/both/index.html" }.ToDictionary(p => p, p => new AssetFile(p, "d", "text/plain", 1)), notFound, false);

    [Theory]
    [InlineData("/", "/index.html", 200, null)]
    [InlineData("/about", "/about.html", 200, null)]
    [InlineData("/about.html", null, 307, "/about")]
    [InlineData("/about/", null, 307, "/about")]
    [InlineData("/index.html", null, 307, "/")]
    [InlineData("/docs", null, 307, "/docs/")]
    [InlineData("/docs/", "/docs/index.html", 200, null)]
    [InlineData("/docs/index.html", null, 307, "/docs/")]
    [InlineData("/both", "/both.html", 200, null)]
    [InlineData("/both/", "/both/index.html", 200, null)]
    [InlineData("/a b.txt", "/a b.txt", 200, null)]
    [InlineData("/docs/x/y", "/docs/404.html", 404, null)]
    [InlineData("/x", "/404.html", 404, null)]
    public void Each_page_has_one_address(string path, string? file, int status, string? redirect)
    {
        var found = AssetPaths.Find(Assets(AssetNotFound.Page404), path);
        Assert.Equal((file, status, redirect), (found?.File?.Path, found?.Status ?? 0, found?.Redirect));
    }

    [Fact]
    public void What_is_missing_goes_to_the_worker_or_to_the_one_page()
    {
        Assert.Null(AssetPaths.Find(Assets(AssetNotFound.None), "/x"));
        Assert.Equal("/index.html", AssetPaths.Find(Assets(AssetNotFound.SinglePage), "/x/y")?.File?.Path);
        Assert.Equal("/a%20b/%C3%A9", AssetPaths.Encode("/a b/é"));
    }
}
