namespace Quarterdeck.Appliances;

/// <summary>Somebody whose signed packages are deployed without a further question, or were until the trust was withdrawn.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Name">What the administrator calls them; unique.</param>
/// <param name="Subject">Subject of the certificate.</param>
/// <param name="Issuer">Who issued the certificate; the subject itself for a self-signed one.</param>
/// <param name="Fingerprint">SHA-256 of the certificate, 64 hexadecimal digits.</param>
/// <param name="Authority">Whether it is a certificate authority: every signing certificate below it counts.</param>
/// <param name="ValidFrom">The certificate counts from here.</param>
/// <param name="ValidUntil">The certificate counts until here; packages signed with it are untrusted afterwards.</param>
/// <param name="AddedAt">When trust began.</param>
/// <param name="AddedBy">Who said so.</param>
/// <param name="RevokedAt">When trust was withdrawn; null while it holds.</param>
public sealed record TrustedPublisher(
    Guid Id,
    string Name,
    string Subject,
    string Issuer,
    string Fingerprint,
    bool Authority,
    DateTimeOffset ValidFrom,
    DateTimeOffset ValidUntil,
    DateTimeOffset AddedAt,
    string AddedBy,
    DateTimeOffset? RevokedAt);

/// <summary>A publisher to be trusted.</summary>
/// <param name="Name">What to call them, 1 to 100 characters; null for the certificate's subject.</param>
/// <param name="Certificate">One certificate in PEM: the one they sign with, or the authority that issued it.</param>
public sealed record NewPublisher(string? Name = null, string? Certificate = null);
