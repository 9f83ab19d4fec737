using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Access;

/// <summary>TLS for whoever binds the console to more than this machine and has no certificate: one is made and kept in the data folder.</summary>
public static class GeneratedCertificate
{
    private static readonly TimeSpan Life = TimeSpan.FromDays(397); // the longest that browsers take
    private static readonly TimeSpan Renew = TimeSpan.FromDays(30);

    /// <summary>Checks the addresses, and gives <c>https</c> ones a certificate unless <c>Kestrel:Certificates:Default</c> names the user's.</summary>
    /// <exception cref="InvalidDataException">Passwords and tokens would go over the network in clear.</exception>
    public static void AddTls(this WebApplicationBuilder builder, ConsoleOptions options)
    {
        options = options with { Urls = builder.Configuration["urls"] ?? options.Urls };
        builder.WebHost.ConfigureKestrel(k => k.AddServerHeader = false);
        var clear = options.Urls.Split(';').FirstOrDefault(u => u.StartsWith("http:", StringComparison.OrdinalIgnoreCase) && !IsLoopback(u));
        if (clear is not null && !builder.Configuration.GetValue<bool>("Quarterdeck:Access:AllowHttp"))
            throw new InvalidDataException($"QUARTERDECK_URLS: '{clear}' would send passwords and tokens over the network in clear. Use {clear.Replace("http:", "https:", StringComparison.OrdinalIgnoreCase)} (a certificate is generated unless Kestrel__Certificates__Default__Path names one), or, where a proxy does TLS, set Quarterdeck__Access__AllowHttp=true.");
        if (!options.Urls.Contains("https:", StringComparison.OrdinalIgnoreCase) || builder.Configuration.GetSection("Kestrel:Certificates:Default").Exists()) return;
        var certificate = LoadOrMake(Path.Combine(options.DataFolder, "tls"), options, DateTimeOffset.UtcNow);
        builder.WebHost.ConfigureKestrel(k => k.ConfigureHttpsDefaults(h => h.ServerCertificate ??= certificate));
    }

    private static bool IsLoopback(string url) =>
        Uri.TryCreate(url.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out var uri) && uri.IsLoopback;

    internal static X509Certificate2 LoadOrMake(string folder, ConsoleOptions options, DateTimeOffset now)
    {
        var file = Path.Combine(folder, "console.pfx");
        if (File.Exists(file))
        {
            var kept = X509CertificateLoader.LoadPkcs12FromFile(file, null);
            if (kept.NotAfter.ToUniversalTime() - now > Renew) return kept;
            kept.Dispose();
        }
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using var made = Make(options, now);
        var bytes = made.Export(X509ContentType.Pkcs12);
        // Beside and renamed: a kill in between leaves the old one.
        var draft = file + ".new";
        File.Delete(draft);
        using (var stream = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            stream.Write(bytes);
            stream.Flush(flushToDisk: true);
        }
        File.Move(draft, file, overwrite: true);
        return X509CertificateLoader.LoadPkcs12(bytes, null);
    }

    private static X509Certificate2 Make(ConsoleOptions options, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Quarterdeck on {Environment.MachineName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        request.CertificateExtensions.Add(Names(options));
        return request.CreateSelfSigned(now.AddHours(-1), now + Life);
    }

    private static X509Extension Names(ConsoleOptions options)
    {
        var names = new SubjectAlternativeNameBuilder();
        var hosts = options.Urls.Split(';').Select(u => Uri.TryCreate(u, UriKind.Absolute, out var uri) ? uri.Host.Trim('[', ']') : null).OfType<string>();
        foreach (var host in hosts.Append("localhost").Append(Environment.MachineName).Distinct(StringComparer.OrdinalIgnoreCase))
            if (!IPAddress.TryParse(host, out _)) names.AddDnsName(host);
        var own = NetworkInterface.GetAllNetworkInterfaces().SelectMany(n => n.GetIPProperties().UnicastAddresses).Select(a => a.Address);
        foreach (var address in own.Append(IPAddress.Loopback).Append(IPAddress.IPv6Loopback).Select(WithoutScope).Distinct()) names.AddIpAddress(address);
        return names.Build();
    }

    private static IPAddress WithoutScope(IPAddress address) => new(address.GetAddressBytes());
}
