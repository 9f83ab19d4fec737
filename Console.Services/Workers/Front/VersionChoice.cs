using Microsoft.AspNetCore.Http;
using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Workers.Front;

/// <summary>Which version of a split answers a request.</summary>
internal static class VersionChoice
{
    /// <summary>How long a visitor keeps a version, seconds; a new deployment splits by the same value again.</summary>
    private const int CookieLife = 30 * 24 * 3600;

    /// <summary>Chooses; equal cookies or headers get the same version as long as the shares stay.</summary>
    /// <param name="worker">With at least one version.</param>
    /// <param name="headers">The request's.</param>
    /// <param name="setCookie">Set-Cookie to send along; null for none.</param>
    public static DeployedVersion Of(DeployedWorker worker, IHeaderDictionary headers, out string? setCookie)
    {
        setCookie = null;
        if (worker.Versions.Count == 1) return worker.Versions[0];
        switch (worker.Sticky)
        {
            case { By: StickyKind.Header, Name: var name } when headers[name] is { Count: > 0 } values && values[0] is { Length: > 0 } value:
                return At(worker, Bucket(value));
            case { By: StickyKind.Cookie, Name: var name }:
                var known = HeaderRules.Cookie(headers.Cookie.ToString(), name);
                if (known.Length > 0) return At(worker, Bucket(known));
                var made = Random.Shared.NextInt64().ToString("x", System.Globalization.CultureInfo.InvariantCulture);
                setCookie = $"{name}={made}; Path=/; Max-Age={CookieLife}; HttpOnly; SameSite=Lax";
                return At(worker, Bucket(made));
            default:
                return At(worker, Random.Shared.Next(100));
        }
    }

    private static DeployedVersion At(DeployedWorker worker, int bucket)
    {
        foreach (var version in worker.Versions)
        {
            if (bucket < version.Percent) return version;
            bucket -= version.Percent;
        }
        return worker.Versions[^1];
    }

    /// <summary>0 to 99, the same on every node (FNV-1a with a last mixing, because short values differ in few bits).</summary>
    internal static int Bucket(ReadOnlySpan<char> value)
    {
        var hash = 2166136261u;
        foreach (var c in value) hash = (hash ^ c) * 16777619;
        hash ^= hash >> 16;
        hash *= 0x7feb352d;
        hash ^= hash >> 15;
        return (int)(hash % 100);
    }
}
