using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Bench;

/// <summary>The product: nodes with the operations room alone, in this process; the first one queues.</summary>
internal sealed class OperationNodes(StartTimes times) : IQueueUnderTest
{
    private static readonly Caller Caller = new(CallerKind.User, Guid.NewGuid(), "bench", Role.Operator);
    private readonly List<IHost> _hosts = [];

    public static async Task<IQueueUnderTest> StartAsync(ConsoleOptions options, int nodes)
    {
        var all = new OperationNodes(new StartTimes());
        for (var i = 1; i <= nodes; i++) await all.AddAsync(options, $"node-{i}");
        return all;
    }

    public async Task EnqueueAsync(CancellationToken cancellation)
    {
        var number = times.Called();
        var result = await _hosts[0].Services.GetRequiredService<OperationQueue>().EnqueueAsync(Caller, new NewOperation("bench.trivial", $"thing:{number}", "thing", number), cancellation);
        _ = result.Value;
    }

    public Task<IReadOnlyList<double>> StartedAsync(int count, CancellationToken cancellation) => times.TakeAsync(count, cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.StopAsync();
            await ((IAsyncDisposable)host).DisposeAsync();
        }
    }

    private async Task AddAsync(ConsoleOptions options, string name)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton(options);
        builder.Services.AddDatabase();
        builder.Services.AddEvents();
        builder.Services.AddSingleton<AuditLog>();
        builder.Services.AddSingleton<Guard>();
        builder.Services.AddOperations(o => o.Node = name);
        builder.Services.AddSingleton<IOperationHandler>(new Trivial(times));
        var host = builder.Build();
        await host.StartAsync();
        _hosts.Add(host);
    }

    private sealed class Trivial(StartTimes times) : IOperationHandler
    {
        public OperationKind Kind { get; } = new("bench.trivial", "Trivial", new Permission("bench", Role.Operator, "Measure"));

        public Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
        {
            times.Began(operation.Input<long>());
            return Task.FromResult<object?>(null);
        }
    }
}
