using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>Host names: their one spelling, and which are the console's own. Cookies ignore ports, so a worker on the console's name could read and set the console's.</summary>
internal sealed partial class OwnNames
{
    private readonly HashSet<string> _own = new(StringComparer.OrdinalIgnoreCase) { "localhost" };

    public OwnNames(ConsoleOptions console, IOptions<WorkersOptions> options)
    {
        foreach (var url in console.Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            if (Uri.TryCreate(url.Replace("//*", "//localhost", StringComparison.Ordinal).Replace("//+", "//localhost", StringComparison.Ordinal), UriKind.Absolute, out var uri)) _own.Add(uri.Host);
        _own.Add(Dns.GetHostName());
        foreach (var name in options.Value.OwnHostnames) _own.Add(name.Trim().TrimEnd('.'));
    }

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$")]
    private static partial Regex Label();

    /// <summary>Whether a request's host name, without port, is the console's: one of its own, an address, or none at all. No zone has those, whatever is stored.</summary>
    public bool Contains(string host) => host.Length == 0 || _own.Contains(host) || host[0] == '[' || (char.IsAsciiDigit(host[^1]) && IPAddress.TryParse(host, out _));

    /// <summary>A zone's host name in its one spelling, or what is wrong with it.</summary>
    public Result<string> Zone(string text)
    {
        const string field = "hostname", remedy = "Give a host name such as shop.example.com, or *.example.com for every name below.";
        var name = text.Trim().TrimEnd('.');
        var wild = name.StartsWith("*.", StringComparison.Ordinal);
        var rest = wild ? name[2..] : name;
        if (rest.Contains(':') || rest.Contains('/')) return Problem.Invalid(field, $"'{text}' has more than a host name.", "Leave scheme, port and path out. " + remedy);
        try { rest = new IdnMapping { UseStd3AsciiRules = false }.GetAscii(rest).ToLowerInvariant(); }
        catch (ArgumentException) { return Problem.Invalid(field, $"'{text}' is no host name.", remedy); }
        if (IPAddress.TryParse(rest, out _)) return Problem.Invalid(field, $"'{text}' is an address; anybody's requests carry those.", remedy);
        if (rest.Length > 253 || !rest.Split('.').All(l => Label().IsMatch(l))) return Problem.Invalid(field, $"'{text}' is no host name.", remedy);
        if (_own.Contains(rest) && !wild) return Problem.Invalid(field, $"'{rest}' is the console's own host name; a worker there could take its cookies.", "Choose another name, also one below it, such as app." + rest + ".");
        if (wild && _own.FirstOrDefault(own => own.EndsWith("." + rest, StringComparison.OrdinalIgnoreCase)) is { } covered)
            return Problem.Invalid(field, $"'{name}' has the console's own host name '{covered}' in it; a worker there could take its cookies.", "Name the zone's hosts one by one, or choose a wildcard further down.");
        return wild ? "*." + rest : rest;
    }
}
