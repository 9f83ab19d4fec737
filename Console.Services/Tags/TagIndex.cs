using System.Data.Common;
using System.Globalization;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Tags;

/// <summary>Tags on objects of any kind. The room that owns the object asks for permission, audits and publishes.</summary>
public sealed class TagIndex(Db db)
{
    /// <summary>The most tags that one object may have.</summary>
    public const int MaxTags = 50;

    /// <summary>The most characters of a tag.</summary>
    public const int MaxLength = 63;

    /// <summary>Lower-case, trimmed, distinct and sorted, or Invalid naming <c>tags[i]</c>: letters, digits, <c>- _ . : /</c> and single blanks, at most <see cref="MaxLength"/> characters.</summary>
    public static Result<IReadOnlyList<string>> Normalise(IReadOnlyList<string> tags)
    {
        if (tags.Count > MaxTags) return Problem.Invalid("tags", $"There are {tags.Count}.", $"Give at most {MaxTags}.");
        var clean = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < tags.Count; i++)
        {
            var tag = (tags[i] ?? "").Trim().ToLower(CultureInfo.InvariantCulture);
            if (tag.Length is 0 or > MaxLength || !tag.All(IsAllowed) || tag.Contains("  ", StringComparison.Ordinal))
                return Problem.Invalid($"tags[{i}]", "It is not a tag.", $"Use 1 to {MaxLength} letters, digits, '-', '_', '.', ':', '/' or single blanks.");
            clean.Add(tag);
        }
        return clean.ToList();
    }

    /// <summary>Replaces an object's tags with normalised ones.</summary>
    public Task SetAsync(string kind, string id, IReadOnlyList<string> tags, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync("DELETE FROM tags WHERE kind = @kind AND object_id = @id", new { kind, id });
        await connection.ExecuteAsync("INSERT INTO tags (kind, object_id, tag) VALUES (@kind, @id, @tag)", tags.Select(tag => new { kind, id, tag }));
    }, cancellation);

    /// <summary>The tags of some objects, sorted; objects without any are absent.</summary>
    public async Task<ILookup<string, string>> OfAsync(string kind, IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        if (ids.Count == 0) return Enumerable.Empty<string>().ToLookup(t => t);
        await using var connection = await db.OpenAsync(cancellation);
        var rows = new List<(string Id, string Tag)>();
        foreach (var some in ids.Chunk(1000)) // both engines limit the number of parameters
            rows.AddRange(await connection.QueryAsync<(string, string)>(new CommandDefinition(
                "SELECT object_id, tag FROM tags WHERE kind = @kind AND object_id IN @some ORDER BY tag", new { kind, some }, cancellationToken: cancellation)));
        return rows.ToLookup(r => r.Id, r => r.Tag);
    }

    /// <summary>Every tag that some object of the kind has, sorted.</summary>
    public async Task<IReadOnlyList<string>> AllAsync(string kind, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<string>(new CommandDefinition("SELECT DISTINCT tag FROM tags WHERE kind = @kind ORDER BY tag", new { kind }, cancellationToken: cancellation))];
    }

    /// <summary>Forgets the tags of objects that are gone, inside the transaction that removes them.</summary>
    public static Task RemoveAsync(DbConnection connection, string kind, IReadOnlyCollection<string> ids) =>
        connection.ExecuteAsync("DELETE FROM tags WHERE kind = @kind AND object_id = @id", ids.Select(id => new { kind, id }));

    /// <summary>An SQL condition: the object whose id is in <paramref name="column"/> has the tag <c>@parameter</c>.</summary>
    public static string Has(string kind, string column, string parameter) =>
        $"EXISTS (SELECT 1 FROM tags WHERE tags.kind = '{kind}' AND tags.tag = @{parameter} AND tags.object_id = {column})";

    /// <summary>An SQL condition: some tag of the object is like <c>@parameter</c>, whose wildcards <see cref="Dialect.Contains"/> escaped.</summary>
    public static string Like(string kind, string column, string parameter) =>
        $"EXISTS (SELECT 1 FROM tags WHERE tags.kind = '{kind}' AND tags.object_id = {column} AND tags.tag LIKE @{parameter} ESCAPE '\\')";

    private static bool IsAllowed(char c) => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' or ':' or '/' or ' ';
}
