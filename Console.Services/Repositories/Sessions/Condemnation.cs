using Quarterdeck.Repositories.Chunks;

namespace Quarterdeck.Repositories.Sessions;

/// <summary>A session that was open when packs were condemned, and the beat that it was last seen with.</summary>
internal sealed record Witness(Guid Session, string Beat, DateTimeOffset SeenAt);

/// <summary>Packs that will be removed once every session that may rely on them has ended. Sessions that begin later do not rely on them.</summary>
internal sealed record Condemnation(Guid Id, IReadOnlyList<Guid> Packs, IReadOnlyList<Witness>? Witnesses, DateTimeOffset CreatedAt);

/// <summary>Records that verification found damaged; new backups store their content again.</summary>
internal sealed record DamageReport(Guid Id, IReadOnlyList<ChunkPlace> Places, DateTimeOffset FoundAt);
