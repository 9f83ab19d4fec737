using Npgsql;

namespace Quarterdeck.Database.Engines;

/// <summary>The pool of PostgreSQL connections, with defaults where the connection string is silent.</summary>
internal static class PostgresSource
{
    public static NpgsqlDataSource Create(string text)
    {
        NpgsqlConnectionStringBuilder given;
        try { given = new NpgsqlConnectionStringBuilder(text); }
        catch (ArgumentException e) { throw new InvalidDataException($"QUARTERDECK_DATABASE: this is no PostgreSQL connection string ({e.Message}). Example: Host=db.example;Database=quarterdeck;Username=quarterdeck;Password=…", e); }
        if (given.Host is not { Length: > 0 })
            throw new InvalidDataException("QUARTERDECK_DATABASE: 'Host' is missing. Example: Host=db.example;Database=quarterdeck;Username=quarterdeck;Password=…");
        return new NpgsqlDataSourceBuilder(Defaults(given).ConnectionString).Build();
    }

    private static NpgsqlConnectionStringBuilder Defaults(NpgsqlConnectionStringBuilder given)
    {
        void Default(string key, object value)
        {
            if (!given.ContainsKey(key)) given[key] = value;
        }
        Default("Application Name", "quarterdeck");
        Default("Timeout", 5); // seconds to connect: a page should rather say that the database is away
        Default("Command Timeout", 30);
        Default("Keepalive", 15); // finds a connection whose other end vanished without a word
        Default("Maximum Pool Size", 30); // PostgreSQL's own default is 100 for all nodes and the job engine together
        return given;
    }
}
