using System.Text.Json;

namespace Quarterdeck.Access.Accounts;

/// <summary>How this room's enums and sets are stored.</summary>
internal static class StoredNames
{
    internal static string Stored<T>(this T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    internal static string? Stored(this IReadOnlySet<string>? scopes) =>
        scopes is null ? null : JsonSerializer.Serialize(scopes.Order(StringComparer.Ordinal));

    internal static IReadOnlySet<string>? Scopes(string? stored) =>
        stored is null ? null : JsonSerializer.Deserialize<HashSet<string>>(stored);
}
