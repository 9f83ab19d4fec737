using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Tests.Operations;

/// <summary>A node that runs operations, without the rest of the console; several may share a database.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly IHost _host;

    private TestNode(IHost host) => _host = host;

    public static readonly Caller Operator = new(CallerKind.User, Guid.NewGuid(), "ann", Role.Operator);

    public OperationQueue Queue => Service<OperationQueue>();
    public OperationReader Reader => Service<OperationReader>();

    public T Service<T>() where T : notnull => _host.Services.GetRequiredService<T>();

    public static async Task<TestNode> StartAsync(ConsoleOptions options, string name, IEnumerable<IOperationHandler> handlers, Action<OperationsOptions>? configure = null, Action<ILoggingBuilder>? logging = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        logging?.Invoke(builder.Logging);
        builder.Services.AddSingleton(options);
        builder.Services.AddDatabase();
        builder.Services.AddEvents();
        builder.Services.AddSingleton<AuditLog>();
        builder.Services.AddSingleton<Guard>();
        builder.Services.AddOperations(o =>
        {
            (o.Node, o.Heartbeat, o.DeadAfter, o.ProgressEvery, o.SweepEvery, o.Backoff) = (name, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(100));
            configure?.Invoke(o);
        });
        foreach (var handler in handlers) builder.Services.AddSingleton(handler);
        var node = new TestNode(builder.Build());
        await node._host.StartAsync();
        return node;
    }

    /// <summary>Stops as on SIGTERM.</summary>
    public Task StopAsync() => _host.StopAsync();

    /// <summary>Queues an operation as an operator, or throws.</summary>
    public async Task<Guid> EnqueueAsync(string kind, object? input = null, string target = "thing:1", IReadOnlyList<ResourceLock>? locks = null, Guid? parent = null) =>
        (await Queue.EnqueueAsync(Operator, new NewOperation(kind, target, target, input ?? new { }) { Locks = locks ?? [], Parent = parent }, CancellationToken.None)).Value;

    public async Task<OperationInfo> GetAsync(Guid id) => (await Reader.GetAsync(Operator, id, CancellationToken.None)).Value;

    /// <summary>Waits until the operation is as wanted; throws with what it is after the time.</summary>
    public async Task<OperationInfo> UntilAsync(Guid id, Func<OperationInfo, bool> wanted, int seconds = 60)
    {
        for (var until = DateTime.UtcNow.AddSeconds(seconds); ; await Task.Delay(10))
        {
            var now = await GetAsync(id);
            if (wanted(now)) return now;
            if (DateTime.UtcNow > until) throw new TimeoutException($"The operation did not become as wanted: {now} {now.Problem}");
        }
    }

    public Task<OperationInfo> EndAsync(Guid id, int seconds = 60) => UntilAsync(id, o => o.Ended, seconds);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable host) await host.DisposeAsync();
        else _host.Dispose();
    }
}

/// <summary>A handler made of two functions.</summary>
internal sealed class TestHandler(string key, Func<IOperationContext, CancellationToken, Task<object?>> run, Func<IOperationContext, IReadOnlyList<Note>, Task>? undo = null) : IOperationHandler
{
    public static readonly Permission Permission = new("things.change", Role.Operator, "Change things");

    public OperationKind Kind { get; init; } = new(key, $"Test {key}", Permission);

    public Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation) => run(operation, cancellation);

    public Task UndoAsync(IOperationContext operation, IReadOnlyList<Note> notes, CancellationToken cancellation) => undo?.Invoke(operation, notes) ?? Task.CompletedTask;
}
