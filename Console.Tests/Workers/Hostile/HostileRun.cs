using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Hostile;

/// <summary>Forty good tenants in one process, and attacks at random beside them.</summary>
internal sealed class HostileRun(HostileStack stack) : IDisposable
{
    private const int GoodTenants = 40, Users = 8;

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false, MaxConnectionsPerServer = 1000 }) { Timeout = TimeSpan.FromSeconds(120) };
    private readonly HttpClient _attacker = new(new SocketsHttpHandler { UseCookies = false, MaxConnectionsPerServer = 1000 }) { Timeout = TimeSpan.FromSeconds(15) };
    private readonly ConcurrentDictionary<string, int> _executed = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly ConcurrentQueue<double> _latencies = new();
    private readonly TcpListener _canary = new(IPAddress.Loopback, 0);
    private readonly Random _random = new(20261123);
    private readonly ConcurrentDictionary<string, int> _active = new(), _beside = new();
    private int _good, _late;

    /// <summary>Attacks that were sent, by name.</summary>
    public IReadOnlyDictionary<string, int> Executed => _executed;

    /// <summary>Requests of good tenants that did not get the right answer.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>Milliseconds from which a good request counts as late; what is attacked meanwhile is noted.</summary>
    public double LateFrom { get; set; } = double.MaxValue;

    /// <summary>Good requests that were late.</summary>
    public int Late => _late;

    /// <summary>Attacks that went on when good requests were late, by how many of these.</summary>
    public IEnumerable<KeyValuePair<string, int>> Beside => _beside.OrderByDescending(one => one.Value);

    /// <summary>Requests of good tenants.</summary>
    public int Good => _good;

    /// <summary>Connections to a loopback address that no worker may reach.</summary>
    public int CanaryHits { get; private set; }

    /// <summary>What was refused before it became a version.</summary>
    public List<string> Refused { get; } = [];

    /// <summary>Makes tenants and attackers.</summary>
    public async Task PrepareAsync()
    {
        await Parallel.ForAsync(0, GoodTenants, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, _) =>
            (await stack.DeployAsync($"good{i}", $"export default {{ fetch() {{ return new Response('good{i}'); }} }};")).ShouldBeNull());
        foreach (var attack in Attack.All.Append(new Attack("egress", AttackEnd.Harmless)))
            if (await stack.DeployAsync(attack.Name, attack.Source) is not null) Refused.Add(attack.Name);
        _canary.Start();
        _ = CountCanaryAsync();
        for (var i = 0; i < GoodTenants; i++) await AskGoodAsync(i);
        _latencies.Clear();
    }

    /// <summary>Good requests for a while, with attacks beside them or not; answers the 50th, 99th percentile and the longest, milliseconds.</summary>
    public async Task<(double P50, double P99, double Max)> LoadAsync(TimeSpan time, TimeSpan? attackEvery)
    {
        _latencies.Clear();
        using var over = new CancellationTokenSource(time);
        using var stop = new CancellationTokenSource();
        var users = Enumerable.Range(0, Users).Select(user => UserAsync(user, stop.Token)).ToList();
        if (attackEvery is { } pause) await AttackAsync(pause, over.Token, stop.Token);
        else await Task.Delay(time, CancellationToken.None);
        await stop.CancelAsync();
        await Task.WhenAll(users);
        var sorted = _latencies.Order().ToArray();
        return (sorted[sorted.Length / 2], sorted[(int)(sorted.Length * 0.99)], sorted[^1]);
    }

    public void Dispose()
    {
        _canary.Stop();
        _client.Dispose();
        _attacker.Dispose();
    }

    private async Task UserAsync(int user, CancellationToken stop)
    {
        for (var i = user; !stop.IsCancellationRequested; i += 7)
        {
            await AskGoodAsync(i % GoodTenants);
            await Task.Delay(10, CancellationToken.None);
        }
    }

    private async Task AskGoodAsync(int tenant)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, stack.Front) { Headers = { Host = $"good{tenant}.test" } };
            using var response = await _client.SendAsync(request);
            var body = await response.Content.ReadAsStringAsync();
            if (response.StatusCode is not HttpStatusCode.OK || body != $"good{tenant}") _failures.Enqueue($"good{tenant}: {(int)response.StatusCode} {body}");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException) { _failures.Enqueue($"good{tenant}: {e.Message} {e.InnerException?.Message}"); }
        Interlocked.Increment(ref _good);
        var took = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        _latencies.Enqueue(took);
        if (took < LateFrom) return;
        Interlocked.Increment(ref _late);
        foreach (var (name, count) in _active)
            if (count > 0) _beside.AddOrUpdate(name, 1, (_, n) => n + 1);
    }

    private async Task AttackAsync(TimeSpan pause, CancellationToken over, CancellationToken stop)
    {
        // Every attack once in a random order, then any at random; each runs beside the next.
        var names = Attack.All.Select(attack => attack.Name).Except(Refused).Append("egress").Concat(ClientAttacks.All.Keys).ToArray();
        var turn = new Queue<string>(names.OrderBy(_ => _random.Next()));
        try
        {
            while (true)
            {
                _ = AttackOnceAsync(turn.TryDequeue(out var next) ? next : names[_random.Next(names.Length)], stop);
                await Task.Delay(pause, turn.Count > 0 ? CancellationToken.None : over);
            }
        }
        catch (OperationCanceledException) { }
    }

    private async Task AttackOnceAsync(string name, CancellationToken stop)
    {
        _executed.AddOrUpdate(name, 1, (_, count) => count + 1);
        _active.AddOrUpdate(name, 1, (_, count) => count + 1);
        try
        {
            if (ClientAttacks.All.TryGetValue(name, out var attack))
            {
                await attack(stack.Front, "good0.test", stop);
                return;
            }
            var query = $"/?port={((IPEndPoint)_canary.LocalEndpoint).Port}";
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(stack.Front, query)) { Headers = { Host = $"{name}.test" } };
            using var response = await _attacker.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            if (name is "endless-response") await Task.Delay(1000, stop);
            else await response.Content.ReadAsStringAsync(stop);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException or SocketException) { /* attackers get what they get */ }
        finally { _active.AddOrUpdate(name, 0, (_, count) => count - 1); }
    }

    private async Task CountCanaryAsync()
    {
        try
        {
            while (true)
            {
                using var hit = await _canary.AcceptTcpClientAsync();
                CanaryHits++;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { /* the run is over */ }
    }
}
