using System.Text.Json;
using Quarterdeck.Database;
using Quarterdeck.Repositories.Format;

namespace Quarterdeck.Repositories.Registry;

/// <summary>What is not secret about where a repository is.</summary>
internal sealed record PlaceSettings(string? Folder = null, string? Endpoint = null, string? Bucket = null, string? Prefix = null, string? Region = null);

/// <summary>What is.</summary>
internal sealed record PlaceSecrets(string? Key = null, string? AccessKey = null, string? SecretKey = null);

/// <summary>A row of <c>repositories</c>.</summary>
internal sealed record RepositoryRow
{
    public const string Columns = """
        id, name, kind, location, settings, secrets, repository_id, encrypted, append_only, state, problem, used_bytes, unique_bytes, logical_bytes, points, looked_at, verified_at, damage, created_at
        """;

    public required Guid Id { get; init; }
    public required string Name { get; init; }
    public required string Kind { get; init; }
    public required string Location { get; init; }
    public required string Settings { get; init; }
    public string? Secrets { get; init; }
    public required Guid RepositoryId { get; init; }
    public required bool Encrypted { get; init; }
    public required bool AppendOnly { get; init; }
    public required string State { get; init; }
    public string? Problem { get; init; }
    public long UsedBytes { get; init; }
    public long UniqueBytes { get; init; }
    public long LogicalBytes { get; init; }
    public int Points { get; init; }
    public DateTimeOffset? LookedAt { get; init; }
    public DateTimeOffset? VerifiedAt { get; init; }
    public string? Damage { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    public PlaceSettings Place => JsonSerializer.Deserialize<PlaceSettings>(Settings, Json.Options)!;

    // A look tells whether it opens; what is in it is known from the last verification.
    private RepositoryState Now => EnumColumn.FromColumn<RepositoryState>(State) is RepositoryState.Ready && Damage is not null ? RepositoryState.Damaged : EnumColumn.FromColumn<RepositoryState>(State);

    public RepositoryInfo ToInfo() => new()
    {
        Id = Id, Name = Name, Kind = EnumColumn.FromColumn<RepositoryKind>(Kind), Location = Location, RepositoryId = RepositoryId, Encrypted = Encrypted, AppendOnly = AppendOnly,
        State = Now, Problem = Problem ?? (Now is RepositoryState.Damaged ? Damage : null), UsedBytes = UsedBytes, UniqueBytes = UniqueBytes, LogicalBytes = LogicalBytes, Points = Points,
        LookedAt = LookedAt, VerifiedAt = VerifiedAt, Damage = Damage, CreatedAt = CreatedAt,
    };
}
