using System.Diagnostics;
using Npgsql;

namespace Quarterdeck.Tests.Support;

/// <summary>A private PostgreSQL cluster in a temporary folder, reached by a unix socket only, without fsync.</summary>
/// <remarks>A shell beside it waits for the end of its standard input, so that the cluster and its folder end with the test process even when that is killed.</remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    private static readonly Lazy<Task<PostgresServer>> Run = new(StartAsync);

    private readonly string _folder = Directory.CreateTempSubdirectory("qd-pg-").FullName;
    private Process? _server;

    private PostgresServer() { }

    /// <summary>The one cluster that this test run shares; started when first asked for.</summary>
    public static Task<PostgresServer> SharedAsync() => Run.Value;

    /// <summary>Where PostgreSQL's programs are; null when it is not installed.</summary>
    public static string? Binaries { get; } = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d => File.Exists(Path.Combine(d, "postgres"))).Order().LastOrDefault() : null;

    /// <summary>A cluster of one's own, for tests that stop it.</summary>
    public static async Task<PostgresServer> StartAsync()
    {
        var server = new PostgresServer();
        await server.InitialiseAsync();
        await server.ResumeAsync();
        return server;
    }

    /// <summary>A connection string for one of its databases.</summary>
    public string ConnectionString(string database = "postgres") => $"Host={_folder};Username=postgres;Database={database}";

    /// <summary>Runs one statement in the database <c>postgres</c>, on a connection of its own.</summary>
    public async Task<object?> ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Stops it as <c>pg_ctl stop -m fast</c> does: sessions get 57P01.</summary>
    public async Task StopAsync()
    {
        if (_server is null) return;
        await _server.StandardInput.WriteLineAsync("keep");
        _server.StandardInput.Close();
        await _server.WaitForExitAsync();
        _server.Dispose();
        _server = null;
    }

    /// <summary>Starts it (again) and waits until it answers.</summary>
    public async Task ResumeAsync()
    {
        var postgres = $"'{Binaries}/postgres' -D '{_folder}/data' -k '{_folder}' -h '' -F -c max_connections=200 -c shared_buffers=64MB -c full_page_writes=off -c synchronous_commit=off -c log_min_messages=fatal";
        _server = Start($"{postgres} >>'{_folder}/log' 2>&1 & pid=$!; read keep; kill -INT $pid; wait $pid; [ -n \"$keep\" ] || rm -rf '{_folder}'", input: true);
        for (var until = DateTime.UtcNow.AddSeconds(30); ; await Task.Delay(50))
        {
            try { await ExecuteAsync("SELECT 1"); return; }
            catch (NpgsqlException) when (DateTime.UtcNow < until && !_server.HasExited) { }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private async Task InitialiseAsync()
    {
        if (Binaries is null) throw new InvalidOperationException("PostgreSQL is not installed (apt-get install postgresql); its tests need /usr/lib/postgresql/*/bin.");
        if (Environment.IsPrivilegedProcess) await EndAsync(Process.Start("chown", ["postgres", _folder]));
        await EndAsync(Start($"'{Binaries}/initdb' -D '{_folder}/data' -U postgres -A trust -E UTF8 --locale=C --no-sync >'{_folder}/log' 2>&1", input: false));
    }

    // PostgreSQL refuses to run as root.
    private static Process Start(string script, bool input)
    {
        string[] command = Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "sh", "-c", script] : ["sh", "-c", script];
        return Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = input, WorkingDirectory = "/" })!;
    }

    private async Task EndAsync(Process process)
    {
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"Exit code {process.ExitCode}: {(File.Exists(_folder + "/log") ? await File.ReadAllTextAsync(_folder + "/log") : "no log")}");
        process.Dispose();
    }
}
