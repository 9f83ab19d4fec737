namespace Quarterdeck.Database;

/// <summary>Enums are stored as their lower-case names.</summary>
/// <remarks>Reading needs nothing: Dapper parses the text. Writing does, because Dapper would send an enum as its number.</remarks>
public static class EnumColumn
{
    /// <summary>The text to store for <paramref name="value"/>.</summary>
    public static string ToColumn<T>(this T value) where T : struct, Enum => Names<T>.Of(value);

    /// <summary>The value stored as <paramref name="text"/>; throws <see cref="FormatException"/> when there is none of that name.</summary>
    public static T FromColumn<T>(string text) where T : struct, Enum => Enum.TryParse<T>(text, ignoreCase: true, out var value) && Enum.IsDefined(value)
        ? value : throw new FormatException($"'{text}' is no {typeof(T).Name}.");

    private static class Names<T> where T : struct, Enum
    {
        private static readonly Dictionary<T, string> All = Enum.GetValues<T>().Distinct().ToDictionary(v => v, v => v.ToString().ToLowerInvariant());

        public static string Of(T value) => All[value];
    }
}
