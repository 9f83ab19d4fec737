using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;

namespace Quarterdeck.Access.Accounts;

/// <summary>Which names and passwords are taken, hashing, and generated passwords. Length beats composition rules (NIST SP 800-63B).</summary>
internal sealed partial class Passwords(IPasswordHasher<UserAccount> hasher, IOptions<AccessOptions> options) : IPasswordValidator<UserAccount>
{
    // no look-alikes (0 O 1 l I): it is read from a terminal and typed
    private const string Alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    private const int MaxLength = 256;
    private readonly Lazy<string> _dummy = new(() => hasher.HashPassword(new UserAccount(), Generate()));

    /// <summary>20 characters of 56: 116 bits.</summary>
    internal static string Generate() => RandomNumberGenerator.GetString(Alphabet, 20);

    internal string Hash(UserAccount user, string password) => hasher.HashPassword(user, password);

    internal bool Verify(UserAccount user, string password) =>
        user.PasswordHash is { } hash && hasher.VerifyHashedPassword(user, hash, password) != PasswordVerificationResult.Failed;

    /// <summary>Takes as long as <see cref="Verify"/>, so that the time does not tell whether a name exists.</summary>
    internal void VerifyNothing(string password) => hasher.VerifyHashedPassword(new UserAccount(), _dummy.Value, password);

    internal FieldError? CheckName(string? name, string field = "name") => name is not null && NamePattern().IsMatch(name) ? null
        : new FieldError(field, "This is not a user name.", "Use 1 to 64 letters, digits, '.', '_', '-' or '@', beginning with a letter or digit.");

    internal FieldError? CheckPassword(string? password, string? userName, string field = "password")
    {
        var least = options.Value.PasswordLength;
        if (password is null || password.Length < least) return new FieldError(field, "The password is too short.", $"Use at least {least} characters; several words are fine.");
        if (password.Length > MaxLength) return new FieldError(field, "The password is too long.", $"Use at most {MaxLength} characters.");
        if (password.Distinct().Count() < 5) return new FieldError(field, "The password is too uniform.", "Use at least 5 different characters.");
        return userName is { Length: > 3 } && password.Contains(userName, StringComparison.OrdinalIgnoreCase)
            ? new FieldError(field, "The password contains the user name.", "Choose one without it.")
            : null;
    }

    public Task<IdentityResult> ValidateAsync(UserManager<UserAccount> manager, UserAccount user, string? password) =>
        Task.FromResult(CheckPassword(password, user.UserName) is { } error
            ? IdentityResult.Failed(new IdentityError { Code = "Password", Description = $"{error.Message} {error.Remedy}" })
            : IdentityResult.Success);

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
