namespace Quarterdeck.Workers;

/// <summary>A host name whose requests trigger workers.</summary>
/// <param name="Hostname">Lower-case, without port; <c>*.example.com</c> for every name directly or deeper below.</param>
/// <param name="Routes">The most specific pattern that matches wins.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ChangedAt">When its routes last changed.</param>
public sealed record Zone(string Hostname, IReadOnlyList<ZoneRoute> Routes, DateTimeOffset CreatedAt, DateTimeOffset ChangedAt);

/// <summary>A path pattern and its worker.</summary>
/// <param name="Pattern">A path, <c>/about</c>, or a beginning of paths, <c>/api/*</c>; case counts, the query does not.</param>
/// <param name="Worker">The worker's name.</param>
public sealed record ZoneRoute(string Pattern, string Worker);
