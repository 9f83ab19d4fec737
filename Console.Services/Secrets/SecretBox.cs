using System.Data.Common;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Quarterdeck.Platform;

namespace Quarterdeck.Secrets;

/// <summary>Encrypts what is stored: passwords of hosts, keys of repositories, the appliance CA's key.</summary>
/// <remarks>Purposes separate: what was protected for one cannot be read for another. See docs/secrets.md for what this protects from.</remarks>
public sealed class SecretBox(IDataProtectionProvider provider)
{
    private const string Root = "Quarterdeck.SecretBox";

    /// <summary>Encrypts and authenticates <paramref name="plain"/>; the text is safe to store.</summary>
    /// <param name="purpose">What it is for, constant in the code, such as <c>hosts.password</c>. Changing it makes what is stored unreadable.</param>
    /// <param name="plain">The secret.</param>
    public string Protect(string purpose, string plain) => Try(() => provider.CreateProtector(Root, purpose).Protect(plain), purpose);

    /// <summary>Decrypts what <see cref="Protect(string, string)"/> returned.</summary>
    /// <exception cref="SecretUnreadableException">It was changed, is for another purpose, or its key is missing.</exception>
    public string Unprotect(string purpose, string stored) => Try(() => provider.CreateProtector(Root, purpose).Unprotect(stored), purpose);

    /// <summary>Encrypts and authenticates bytes.</summary>
    /// <param name="purpose">What they are for, constant in the code.</param>
    /// <param name="plain">The secret.</param>
    public byte[] Protect(string purpose, byte[] plain) => Try(() => provider.CreateProtector(Root, purpose).Protect(plain), purpose);

    /// <summary>Decrypts what <see cref="Protect(string, byte[])"/> returned.</summary>
    /// <exception cref="SecretUnreadableException">They were changed, are for another purpose, or their key is missing.</exception>
    public byte[] Unprotect(string purpose, byte[] stored) => Try(() => provider.CreateProtector(Root, purpose).Unprotect(stored), purpose);

    private static T Try<T>(Func<T> action, string purpose)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is CryptographicException or FormatException or DbException or ProblemException or SecretUnreadableException)
        {
            // Data Protection wraps whatever kept it from its keys.
            for (Exception? cause = e; cause is not null; cause = cause.InnerException)
            {
                if (cause is ProblemException or SecretUnreadableException) throw cause;
                if (cause is DbException) throw new ProblemException(Problem.Unavailable("The database is not available", "The keys of stored secrets cannot be read. Try again when the database is back."), e);
            }
            throw new SecretUnreadableException($"A stored secret ('{purpose}') cannot be decrypted: it was changed, or the key it was encrypted with is not in this database. Restore the database and its key file together, or enter the secret again.", e);
        }
    }
}

/// <summary>A stored secret cannot be decrypted; the message says what may be the cause and what to do.</summary>
public sealed class SecretUnreadableException(string message, Exception? inner = null) : Exception(message, inner);
