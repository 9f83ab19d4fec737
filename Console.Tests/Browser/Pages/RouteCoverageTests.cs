using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Components;
using Quarterdeck.Web;

namespace Quarterdeck.Tests.Browser.Pages;

public sealed class RouteCoverageTests
{
    /// <summary>Pages that the runs meet in another way: the login page in its own context, errors by provoking them.</summary>
    private static readonly string[] Elsewhere = ["/login", "/error", "/not-found", "/status/{Code}", "/status/403"];

    [Fact]
    public void Every_page_is_looked_at()
    {
        var listed = Routes.Fixed.Select(r => r.Path.Split('?')[0]).Concat(Objects.Templates).ToHashSet();
        var pages = typeof(QuarterdeckApp).Assembly.GetTypes().SelectMany(t => t.GetCustomAttributes<RouteAttribute>()).Select(r => Regex.Replace(r.Template, @"\{(\w+)[^}]*\}", "{$1}"));
        pages.Except(Elsewhere).Where(p => !listed.Contains(p)).ShouldBeEmpty("add them to Routes.Fixed or Objects");
    }
}
