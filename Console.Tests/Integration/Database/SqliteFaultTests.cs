using System.Diagnostics;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Database;

/// <summary>A SQLite file that another process locks, and one on a disk that is full.</summary>
public sealed class SqliteFaultTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("qd-fault-").FullName;
    private Db _db = null!;
    private DatabaseHealth _health = null!;

    // A disk of two megabytes: what ENOSPC does is not what a limit inside SQLite does.
    public async Task InitializeAsync()
    {
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", _folder);
        _db = Db.For(TestDatabase.OptionsFor(_folder, null));
        await new Migrator(_db, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(default);
        await _db.TransactionAsync(c => c.ExecuteAsync("CREATE TABLE things (id INTEGER PRIMARY KEY, filler BLOB)"), default);
        _health = new DatabaseHealth(_db, TimeProvider.System, NullLogger<DatabaseHealth>.Instance);
        await _health.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        await _health.StopAsync(default);
        _health.Dispose();
        await _db.DisposeAsync();
        await RunAsync("umount", _folder);
        Directory.Delete(_folder);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"{program} needs root");
    }

    private Task<int> InsertAsync(int bytes) => _db.TransactionAsync(c => c.ExecuteAsync("INSERT INTO things (filler) VALUES (zeroblob(@bytes))", new { bytes }), default);

    private async Task<long> CountAsync()
    {
        await using var connection = await _db.OpenAsync(default);
        return await connection.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM things");
    }

    private async Task BackAsync()
    {
        for (var until = DateTime.UtcNow.AddSeconds(20); !_health.State.Available; await Task.Delay(50)) (DateTime.UtcNow < until).ShouldBeTrue(_health.State.ToString());
    }

    [Fact]
    public async Task A_file_locked_by_another_process_is_waited_for_then_told_and_then_over()
    {
        await InsertAsync(1);
        using var other = Process.Start(new ProcessStartInfo("sqlite3", [Path.Combine(_folder, "quarterdeck.db")]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await other.StandardInput.WriteLineAsync("BEGIN IMMEDIATE; SELECT 'held';");
        await other.StandardInput.FlushAsync();
        (await other.StandardOutput.ReadLineAsync()).ShouldBe("held");

        var waited = Stopwatch.StartNew();
        var error = await Should.ThrowAsync<DatabaseUnavailableException>(InsertAsync(1));
        waited.Elapsed.ShouldBeInRange(Db.BusyTimeout - TimeSpan.FromSeconds(1), Db.BusyTimeout * 6);
        error.Problem.Kind.ShouldBe(ProblemKind.Unavailable);
        error.Reason.ShouldContain("Another program");
        (await CountAsync()).ShouldBe(1); // readers are not held up
        _health.State.Available.ShouldBeFalse();
        _health.State.Reason.ShouldBe(error.Reason);

        other.StandardInput.Close();
        await other.WaitForExitAsync();
        await BackAsync();
        await InsertAsync(1);
        (await CountAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task A_lock_shorter_than_the_busy_timeout_is_only_waited_for()
    {
        using var other = Process.Start(new ProcessStartInfo("sqlite3", [Path.Combine(_folder, "quarterdeck.db")]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await other.StandardInput.WriteLineAsync("BEGIN IMMEDIATE; SELECT 'held';");
        await other.StandardInput.FlushAsync();
        await other.StandardOutput.ReadLineAsync();
        var inserting = Task.Run(() => InsertAsync(1));
        await Task.Delay(1000);
        inserting.IsCompleted.ShouldBeFalse();
        other.StandardInput.Close();
        await inserting;
        _health.State.Available.ShouldBeTrue();
    }

    [Fact]
    public async Task A_full_disk_is_told_loses_nothing_and_is_over_when_there_is_room()
    {
        var ballast = Path.Combine(_folder, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[1 << 20]);
        var inserted = 0L;
        foreach (var size in (int[])[40_000, 4_000, 40_000, 4_000]) // a checkpoint after the first refusal still finds some room
        {
            var error = await Should.ThrowAsync<DatabaseUnavailableException>(async () =>
            {
                for (; ; inserted++) await InsertAsync(size);
            });
            error.Reason.ShouldContain("disk");
        }
        inserted.ShouldBeGreaterThan(0);
        (await CountAsync()).ShouldBe(inserted); // nothing lost, nothing half
        await Task.Delay(2500);
        _health.State.Available.ShouldBeFalse(); // although reading works

        File.Delete(ballast);
        await BackAsync();
        await InsertAsync(40_000);
        (await CountAsync()).ShouldBe(inserted + 1);
        await using var connection = await _db.OpenAsync(default);
        (await connection.ExecuteScalarAsync<string>("PRAGMA integrity_check")).ShouldBe("ok");
    }
}
