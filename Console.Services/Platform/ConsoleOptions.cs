using Microsoft.Extensions.Configuration;

namespace Quarterdeck.Platform;

/// <summary>The settings with fixed names (<c>QUARTERDECK_…</c>), from environment, command line or <c>appsettings.json</c>.</summary>
public sealed record ConsoleOptions
{
    /// <summary><c>QUARTERDECK_DATA</c>: absolute path of the data folder.</summary>
    public required string DataFolder { get; init; }

    /// <summary><c>QUARTERDECK_DATABASE</c>: null for SQLite in the data folder, else a PostgreSQL connection string.</summary>
    public string? Database { get; init; }

    /// <summary><c>QUARTERDECK_KEY_FILE</c>: the file whose key or passphrase encrypts stored secrets; null for <c>secrets.key</c> in the data folder.</summary>
    public string? KeyFile { get; init; }

    /// <summary><c>QUARTERDECK_URLS</c>: where pages and REST are served.</summary>
    public string Urls { get; init; } = "http://127.0.0.1:5080";

    /// <summary><c>QUARTERDECK_WORKER_URLS</c>: where zones of workers are served; empty for nowhere.</summary>
    public string WorkerUrls { get; init; } = "http://127.0.0.1:8787";

    /// <summary><c>QUARTERDECK_ADMIN_PASSWORD</c>: password of <c>admin</c>, taken on the first start only.</summary>
    public string? AdminPassword { get; init; }

    /// <summary><c>QUARTERDECK_ADMIN_TOKEN</c> or the content of the file <c>QUARTERDECK_ADMIN_TOKEN_FILE</c>: an API token with all permissions.</summary>
    public string? AdminToken { get; init; }

    /// <summary><c>QUARTERDECK_APPLIANCE_URL</c>: how guests reach the appliance listener; null to derive it.</summary>
    public string? ApplianceUrl { get; init; }

    /// <summary><c>QUARTERDECK_IMAGE_ROOTS</c> (colon-separated): absolute folders from which disks, ISOs and <c>test:///FILE</c> may be taken.</summary>
    public required IReadOnlyList<string> ImageRoots { get; init; }

    /// <summary>The default libvirt storage folder, always an image root unless roots were named.</summary>
    public const string LibvirtImages = "/var/lib/libvirt/images";

    /// <summary>Reads the settings; relative paths are taken from <paramref name="root"/>.</summary>
    /// <exception cref="InvalidDataException">A setting is wrong; the message names it, and gives an example.</exception>
    public static ConsoleOptions From(IConfiguration configuration, string root)
    {
        string? Read(string key) => configuration[key] is { Length: > 0 } value ? value : null;
        var data = Path.GetFullPath(Read("QUARTERDECK_DATA") ?? "data", root);
        var roots = Read("QUARTERDECK_IMAGE_ROOTS")?.Split(':', StringSplitOptions.RemoveEmptyEntries) ?? [Path.Combine(data, "images"), LibvirtImages];
        if (Array.Find(roots, r => !Path.IsPathRooted(r)) is { } relative)
            throw new InvalidDataException($"QUARTERDECK_IMAGE_ROOTS: '{relative}' is not an absolute path. Example: QUARTERDECK_IMAGE_ROOTS={LibvirtImages}:/srv/iso");
        var token = Read("QUARTERDECK_ADMIN_TOKEN");
        if (token is null && Read("QUARTERDECK_ADMIN_TOKEN_FILE") is { } file)
            token = File.Exists(file) ? File.ReadAllText(file).Trim() : throw new InvalidDataException($"QUARTERDECK_ADMIN_TOKEN_FILE: there is no file '{file}'.");
        if (token is { Length: < 32 })
            throw new InvalidDataException("QUARTERDECK_ADMIN_TOKEN: at least 32 characters are needed. Example: openssl rand -hex 24");
        return new ConsoleOptions
        {
            DataFolder = data,
            ImageRoots = [.. roots.Select(r => Path.GetFullPath(r))],
            Database = Read("QUARTERDECK_DATABASE"),
            KeyFile = Read("QUARTERDECK_KEY_FILE") is { } keyFile ? Path.GetFullPath(keyFile, root) : null,
            Urls = Read("QUARTERDECK_URLS") ?? "http://127.0.0.1:5080",
            WorkerUrls = configuration["QUARTERDECK_WORKER_URLS"] ?? "http://127.0.0.1:8787", // said to be empty, it switches them off
            AdminPassword = Read("QUARTERDECK_ADMIN_PASSWORD"),
            AdminToken = token,
            ApplianceUrl = Read("QUARTERDECK_APPLIANCE_URL"),
        };
    }
}
