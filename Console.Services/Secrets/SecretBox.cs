namespace Quarterdeck.Secrets;

/// <summary>Encrypts what is stored: passwords of hosts, keys of repositories, the appliance CA's key.</summary>
/// <remarks>Purposes separate: what was protected for one cannot be read for another. See docs/secrets.md for what this protects from.</remarks>
public sealed class SecretBox
{
    /// <summary>Encrypts and authenticates <paramref name="plain"/>; the text is safe to store.</summary>
    /// <param name="purpose">What it is for, constant in the code, such as <c>hosts.password</c>.</param>
    /// <param name="plain">The secret.</param>
    public string Protect(string purpose, string plain) => throw new NotImplementedException();

    /// <summary>Decrypts what <see cref="Protect(string, string)"/> returned.</summary>
    /// <exception cref="SecretUnreadableException">It was changed, is for another purpose, or its key is missing.</exception>
    public string Unprotect(string purpose, string stored) => throw new NotImplementedException();

    /// <summary>Encrypts and authenticates bytes.</summary>
    public byte[] Protect(string purpose, byte[] plain) => throw new NotImplementedException();

    /// <summary>Decrypts what <see cref="Protect(string, byte[])"/> returned.</summary>
    /// <exception cref="SecretUnreadableException">They were changed, are for another purpose, or their key is missing.</exception>
    public byte[] Unprotect(string purpose, byte[] stored) => throw new NotImplementedException();
}

/// <summary>A stored secret cannot be decrypted; the message says what may be the cause and what to do.</summary>
public sealed class SecretUnreadableException(string message, Exception? inner = null) : Exception(message, inner);
