using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Egress;
using Quarterdeck.Workers.NativeGuard;
using Quarterdeck.Workers.Registry;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Tests.Workers.Runtime;

/// <summary>Compute servers with real workerd, without a database or front: code from memory, requests straight to the servers' sockets.</summary>
internal sealed class ComputeNode : IWorkerCodeSource, ITailSink, IAsyncDisposable
{
    // It reads all of workerd once.
    private static readonly GuardLibrary Guard = new(NullLogger<GuardLibrary>.Instance);

    // A test asks as fast as it can, and on a slow machine that alone is more than half a core. The limit has tests of its own.
    private static readonly WorkerLimits Roomy = WorkerLimits.Usual with { CpuPercent = 100 };

    private readonly string _folder = Directory.CreateTempSubdirectory("qd-node-").FullName;
    private readonly ConcurrentDictionary<WorkerKey, WorkerCode> _code = new();
    private readonly ConcurrentDictionary<long, DeployedWorker> _workers = new();
    private readonly EgressFilter _egress;
    private int _sequence;

    private ComputeNode(Action<ComputeServerOptions>? adjust, IEnumerable<IBindingService>? bindings, TimeProvider time)
    {
        var workers = new WorkersOptions();
        workers.Servers.Shards = 1;
        // Tests share a busy machine: what is stuck is told by CPU, not by the clock.
        workers.Servers.SilentSeconds = 60;
        adjust?.Invoke(workers.Servers);
        var options = Options.Create(workers);
        var loggers = NullLoggerFactory.Instance;
        var console = new ConsoleOptions { DataFolder = _folder, ImageRoots = [] };
        var processes = new ProcessRunner();
        _egress = new EgressFilter(options, ResolveAsync);
        Packages = new CodePackages(this, options, TimeProvider.System, NullLogger<CodePackages>.Instance);
        var parts = new ServerParts(
            options, new WorkerdBinary(options), new Sandbox(processes, NullLogger<Sandbox>.Instance), new RunFolder(console), processes, Packages, _egress,
            Guard, (_, _) => new MemoryStream(), this, new WorkerFigures(), bindings ?? [], time, loggers);
        Fleet = new ServerFleet(parts, Table, end =>
        {
            Ends.Enqueue(end);
            return Task.CompletedTask;
        }, Options.Create(new OperationsOptions()), NullLogger<ServerFleet>.Instance);
        Servers = new ComputeServers(Fleet);
    }

    public WorkerTable Table { get; } = new();
    public ServerFleet Fleet { get; }
    public ComputeServers Servers { get; }
    public CodePackages Packages { get; }

    /// <summary>Ends of processes that were put on a worker.</summary>
    public ConcurrentQueue<ServerEnd> Ends { get; } = new();

    /// <summary>Events of watched workers.</summary>
    public ConcurrentQueue<(WorkerKey Key, string Json)> Events { get; } = new();

    /// <summary>Host names that resolve to something, in order; each look-up takes the next.</summary>
    public ConcurrentDictionary<string, Queue<string>> Names { get; } = new();

    /// <summary>Makes the store throw.</summary>
    public bool StoreAway { get; set; }

    public string Folder => _folder;

    public static async Task<ComputeNode> StartAsync(Action<ComputeServerOptions>? adjust = null, IEnumerable<IBindingService>? bindings = null, TimeProvider? time = null)
    {
        var node = new ComputeNode(adjust, bindings, time ?? TimeProvider.System);
        await node.Fleet.StartAsync(CancellationToken.None);
        return node;
    }

    /// <summary>Waits for a state; tests depend on no speed.</summary>
    public static async Task Until(Func<bool> condition, string what)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); !condition(); await Task.Delay(10))
            if (DateTime.UtcNow > until) throw new TimeoutException($"Not within 60 s: {what}.");
    }

    /// <summary>Code without a place yet.</summary>
    public static WorkerCode Code(
        WorkerKey key, string source, WorkerLimits? limits = null, IReadOnlyList<WorkerBinding>? bindings = null, IReadOnlyList<string>? egress = null, IEnumerable<WorkerModule>? more = null)
    {
        var code = new WorkerCode(key, $"w{key.Serial}", "", "src/main.js", "2026-11-01", ["nodejs_compat"],
            [new WorkerModule("src/main.js", ModuleKind.EsModule, Encoding.UTF8.GetBytes(source)), .. more ?? []], bindings ?? [], limits ?? WorkerLimits.Usual, egress);
        return code with { Digest = CodeDigest.Of(code) };
    }

    public static WorkerBinding Binding(string name, BindingKind kind, object value) => new(name, kind, JsonSerializer.SerializeToElement(value));

    /// <summary>Stores code and routes to it.</summary>
    public WorkerKey Deploy(
        long serial, string source, int version = 1, WorkerTier tier = WorkerTier.Shared, WorkerLimits? limits = null,
        IReadOnlyList<WorkerBinding>? bindings = null, IReadOnlyList<string>? egress = null, IEnumerable<WorkerModule>? more = null)
    {
        var key = new WorkerKey(serial, version);
        _code[key] = Code(key, source, limits ?? Roomy, bindings, egress, more);
        Move(serial, tier, key, limits);
        return key;
    }

    /// <summary>Changes where a worker runs, or what of it is deployed.</summary>
    public void Move(long serial, WorkerTier tier, WorkerKey? key = null, WorkerLimits? limits = null)
    {
        var versions = key is { } one ? [new DeployedVersion(one, one.ToString(), 100, limits ?? Roomy, null, WorkerTriggers.None)] : _workers[serial].Versions;
        _workers[serial] = new DeployedWorker(serial, $"w{serial}", tier, versions, null, null, 1, DateTimeOffset.UtcNow);
        Table.Swap(new WorkerTableSnapshot(Interlocked.Increment(ref _sequence), new Dictionary<long, DeployedWorker>(_workers), new Dictionary<string, TableZone>()), e => throw e);
    }

    /// <summary>Damages what the store holds.</summary>
    public void Damage(WorkerKey key) => _code[key] = _code[key] with { Modules = [new WorkerModule("src/main.js", ModuleKind.EsModule, "export default {}"u8.ToArray())] };

    public ComputeServer ServerOf(WorkerKey key) => Servers.Pick(_workers[key.Serial]);

    /// <summary>A request as the front sends it.</summary>
    public async Task<Answer> GetAsync(WorkerKey key, string path = "/", Action<HttpRequestMessage>? with = null)
    {
        var server = ServerOf(key);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await server.ReadyAsync(patience.Token);
        using var ticket = server.Begin(key);
        using var http = new HttpMessageInvoker(UnixHttp.Handler(server.SocketPath));
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://zone.example" + path);
        request.Headers.TryAddWithoutValidation("x-quarterdeck-worker", key.ToString());
        with?.Invoke(request);
        using var response = await http.SendAsync(request, patience.Token);
        ticket.Answered();
        string? Header(string name) => response.Headers.TryGetValues(name, out var values) ? Uri.UnescapeDataString(values.First()) : null;
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync(patience.Token), Header("x-quarterdeck-outcome"), Header("x-quarterdeck-error"));
    }

    /// <summary>The same, where the process may end under the request.</summary>
    public async Task<Answer> TryAsync(WorkerKey key, string path = "/")
    {
        try { return await GetAsync(key, path); }
        catch (HttpRequestException e) { return new Answer(0, e.Message, null, null); }
    }

    /// <summary>Asks again until it answers 200, as the front does for a request that may be sent twice.</summary>
    public async Task<string> AskAsync(WorkerKey key)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); ; await Task.Delay(10))
        {
            var answer = await TryAsync(key);
            if (answer.Status == 200) return answer.Body;
            if (DateTime.UtcNow > until) throw new TimeoutException($"{key} answers {answer}.");
        }
    }

    public ComputeServerInfo Info(string id = "s0") => Servers.List().Single(s => s.Id == id);

    Task<WorkerCode?> IWorkerCodeSource.LoadAsync(WorkerKey key, CancellationToken cancellation) =>
        StoreAway ? throw new Microsoft.Data.Sqlite.SqliteException("the disk is away", 14) : Task.FromResult(_code.GetValueOrDefault(key));

    bool ITailSink.IsWatched(long serial) => true;

    void ITailSink.Publish(long serial, int version, ReadOnlySpan<byte> events) => Events.Enqueue((new WorkerKey(serial, version), Encoding.UTF8.GetString(events)));

    public async ValueTask DisposeAsync()
    {
        await Fleet.StopAsync(CancellationToken.None);
        Fleet.Dispose();
        _egress.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        if (!Names.TryGetValue(host, out var answers)) throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.HostNotFound);
        lock (answers) return Task.FromResult(answers.Count > 1 ? answers.Dequeue().Split(' ').Select(IPAddress.Parse).ToArray() : [.. answers.Peek().Split(' ').Select(IPAddress.Parse)]);
    }
}

/// <summary>What a compute server answered.</summary>
internal sealed record Answer(int Status, string Body, string? Outcome, string? Error);
