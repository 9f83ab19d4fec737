using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Objects;

/// <summary>This node's right to run the objects in its folder: a lock on the folder, and a row in the database for folders that were copied or are seen by several machines.</summary>
/// <remarks>The row is renewed every few seconds. Whoever cannot renew it stops its objects before another may take them; on SQLite, which has one node, there is no other.</remarks>
internal sealed partial class StoreLease(
    ConsoleOptions console, ObjectStore store, Db db, IOptions<OperationsOptions> operations, TimeProvider time, ILogger<StoreLease> logger) : BackgroundService
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(5), Length = TimeSpan.FromSeconds(30), Margin = TimeSpan.FromSeconds(8);

    private readonly string _holder = Guid.NewGuid().ToString("N");
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FileStream? _lock;
    private string _id = "";
    private string _reason = "It has not been asked for yet.";
    private long _heldFrom;
    private bool _held;

    /// <summary>Folder of all objects of this node.</summary>
    public string Folder { get; } = Path.Combine(console.DataFolder, "workers", "objects");

    /// <summary>The store's id; made once, and copied with the folder. Empty, as no store's is, while the folder is another console's.</summary>
    public string Id => _id;

    /// <summary>Whether objects may run here now.</summary>
    public bool IsHeld => _held && (db.Dialect.Engine is DatabaseEngine.Sqlite || time.GetElapsedTime(_heldFrom) < Length - Margin);

    /// <summary>Why they may not.</summary>
    public string Reason => _held && !IsHeld ? $"This node's right to run them could not be renewed for {time.GetElapsedTime(_heldFrom).TotalSeconds:0} s: the database does not answer. They go on when it does." : _reason;

    /// <summary>What other nodes need to call here; set before the start.</summary>
    public (string? Address, string? Fingerprint, string? Token) Door { get; set; }

    /// <summary>Completes after the first try.</summary>
    public Task TriedAsync(CancellationToken cancellation) => _first.Task.WaitAsync(cancellation);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (_held)
        {
            _held = false;
            try { await store.LeaveAsync(Id, _holder, cancellationToken); }
            catch (Exception e) when (e is not OperationCanceledException) { Log.NotGivenBack(logger, e); }
        }
        if (_lock is not null) await _lock.DisposeAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try { await HoldAsync(stoppingToken); }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                _reason = $"This node's right to run them cannot be renewed: {e.Message}";
                Log.NotRenewed(logger, e);
            }
            _first.TrySetResult();
            await Task.Delay(Turn, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task HoldAsync(CancellationToken cancellation)
    {
        if (_lock is null && !Open()) return;
        var began = time.GetTimestamp();
        var wanted = new StoreRow(Id, operations.Value.Node ?? Environment.MachineName, _holder, $"{Environment.MachineName}:{Folder}", time.GetUtcNow() + Length, Door.Address, Door.Fingerprint, Door.Token);
        if (await store.HoldAsync(wanted, unlocked: true, cancellation) is null)
        {
            if (_held) Log.Lost(logger, Id);
            _held = false;
            _reason = $"Another process runs the objects of the store {Id}. A copy of a data folder must not be used beside the original.";
            return;
        }
        (_heldFrom, _held) = (began, true);
    }

    // The lock is the kernel's: it goes with the process.
    private bool Open()
    {
        Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try { _lock = new FileStream(Path.Combine(Folder, "store"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None); }
        catch (IOException e)
        {
            _reason = $"The folder '{Folder}' belongs to another console that runs: {e.Message}";
            return false;
        }
        var text = new StreamReader(_lock).ReadToEnd();
        if (text.Length != 32)
        {
            text = Guid.NewGuid().ToString("N");
            _lock.SetLength(0);
            _lock.Write(System.Text.Encoding.ASCII.GetBytes(text));
            _lock.Flush(flushToDisk: true);
        }
        _id = text;
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The right to run durable objects here cannot be renewed; it is tried again.")]
        public static partial void NotRenewed(ILogger logger, Exception error);

        [LoggerMessage(LogLevel.Error, "Another process runs the durable objects of the store {Id} now; here they are stopped.")]
        public static partial void Lost(ILogger logger, string id);

        [LoggerMessage(LogLevel.Warning, "The store of durable objects was not given back; it can be taken after half a minute.")]
        public static partial void NotGivenBack(ILogger logger, Exception error);
    }
}
