namespace Quarterdeck.Database;

/// <summary>Which engine the one text of SQL runs on, and the few exceptions.</summary>
public enum DatabaseEngine { Sqlite, Postgres }

/// <summary>What the two engines spell differently.</summary>
public sealed record Dialect(DatabaseEngine Engine);
