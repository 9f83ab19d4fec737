using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Front.Tls;

/// <summary>A zone's certificate with its chain and key in PEM.</summary>
internal sealed record StoredCertificate(string Hostname, CertificateOrigin Origin, string Chain, string Key, DateTimeOffset ChangedAt)
{
    /// <summary>What may be told of it.</summary>
    public ZoneCertificate Describe()
    {
        using var certificate = X509Certificate2.CreateFromPem(Chain);
        return new ZoneCertificate(
            Hostname, Origin, certificate.Subject, certificate.Issuer, CertificatePair.NamesOf(certificate), certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime(),
            Convert.ToHexStringLower(certificate.GetCertHash(HashAlgorithmName.SHA256)));
    }

    /// <summary>The key stays out of logs and the audit.</summary>
    public override string ToString() => $"certificate of {Hostname}";
}

/// <summary>An answer that a certificate authority wants to find.</summary>
internal sealed record StoredChallenge(string Hostname, string Token, string KeyAuthorization, DateTimeOffset ExpiresAt)
{
    /// <summary>How long it is answered: authorities look within seconds.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private const int MostCharacters = 512;

    public static string KeyOf(string hostname, string token) => $"{hostname}/{token}";

    /// <summary>Both are base64url, the second with a dot (RFC 8555); nothing else can be put on a zone this way.</summary>
    public static Problem? Wrong(string token, string? authorization)
    {
        static bool Plain(string text, bool dot) => text.Length is > 0 and <= MostCharacters && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' || (dot && c == '.'));
        if (!Plain(token, dot: false)) return Problem.Invalid("token", "It is not a challenge's token.", "Send it as the authority gave it: letters, digits, - and _.");
        return authorization is not null && Plain(authorization, dot: true) && authorization.StartsWith(token + ".", StringComparison.Ordinal)
            ? null : Problem.Invalid("keyAuthorization", "It does not belong to the token.", "Send the token, a dot, and the thumbprint of the account's key.");
    }
}
