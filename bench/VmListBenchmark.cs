using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web;

namespace Quarterdeck.Bench;

/// <summary>A list page of 10,000 VMs: the server's time for a page and a search beside the same rows by bare ADO.NET, and what a live update costs beside reading the page again.</summary>
internal sealed class VmListBenchmark : IBenchmark
{
    private const int Count = 10_000, PageSize = 50, Rounds = 200, Views = 50, Updates = 200;

    public string Name => "vm-list";

    public string Description => "a page, a search and a live update of 10,000 VMs, against bare ADO.NET";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        var data = Directory.CreateTempSubdirectory("qd-bench-vms-").FullName;
        var app = QuarterdeckApp.Build(
        [
            $"--QUARTERDECK_DATA={data}", "--QUARTERDECK_URLS=http://127.0.0.1:0", "--QUARTERDECK_APPLIANCE_URL=https://127.0.0.1:0",
            "--QUARTERDECK_ADMIN_PASSWORD=not-used-by-anyone-here", "--Quarterdeck:Hosts:Local=off", "--Logging:LogLevel:Default=Warning",
        ]);
        try
        {
            await app.StartAsync(cancellation);
            var machines = app.Services.GetRequiredService<VirtualMachines>();
            var db = app.Services.GetRequiredService<Db>();
            await FillAsync(app.Services.GetRequiredService<HostRegistry>(), machines, data, cancellation);
            return
            [
                await CompareAsync("a page of 50", c => machines.ListAsync(Caller.System, new VmQuery(), new PageQuery(101, PageSize, "name"), c), c => BareAsync(db, null, 100 * PageSize, c), cancellation),
                await CompareAsync("a search", c => machines.ListAsync(Caller.System, new VmQuery(), new PageQuery(1, PageSize, "name", "vm-0912"), c), c => BareAsync(db, "%vm-0912%", 0, c), cancellation),
                .. await LiveAsync(app.Services.GetRequiredService<EventStream<Vm>>(), machines, db, cancellation),
            ];
        }
        finally
        {
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task FillAsync(HostRegistry hosts, VirtualMachines machines, string data, CancellationToken cancellation)
    {
        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(data, "images")).FullName, "vms.xml");
        await File.WriteAllLinesAsync(file,
        [
            "<node>",
            .. Enumerable.Range(0, Count).Select(i => string.Create(CultureInfo.InvariantCulture,
                $"<domain type='test'><name>vm-{i:00000}</name><memory unit='MiB'>{512 * (1 + i % 8)}</memory><vcpu>{1 + i % 4}</vcpu><os><type>hvm</type></os></domain>")),
            "</node>",
        ], cancellation);
        var clock = Stopwatch.StartNew();
        _ = (await hosts.AddAsync(Caller.System, new NewHost("many", "test://" + file), cancellation)).Value;
        while ((await machines.CountAsync(Caller.System, new VmQuery(), cancellation)).Value.Total < Count)
        {
            if (clock.Elapsed.TotalMinutes > 3) throw new InvalidOperationException("The 10,000 VMs were not listed within 3 min.");
            await Task.Delay(200, cancellation);
        }
        Console.Error.WriteLine($"{Count} VMs listed {clock.Elapsed.TotalSeconds:0.0} s after their host was added");
        await Task.Delay(2000, cancellation); // until the supervisor is quiet
    }

    /// <summary>Product and peer take turns, so that both see the same machine.</summary>
    private static async Task<Figure> CompareAsync(string what, Func<CancellationToken, Task<Result<Page<Vm>>>> product, Func<CancellationToken, Task<int>> peer, CancellationToken cancellation)
    {
        var (ours, theirs) = (new List<double>(), new List<double>());
        for (var round = -50; round < Rounds; round++)
        {
            var clock = Stopwatch.StartNew();
            var rows = (await product(cancellation)).Value.Items.Count;
            var took = clock.Elapsed.TotalMilliseconds;
            clock.Restart();
            var bare = await peer(cancellation);
            var tookBare = clock.Elapsed.TotalMilliseconds;
            if (rows != bare) throw new InvalidOperationException($"{what}: {rows} rows, bare {bare}.");
            if (round < 0) continue; // the first rounds pay for the just-in-time compiler
            ours.Add(took);
            theirs.Add(tookBare);
        }
        return new Figure(what, "ms", Median(ours), "the same rows and their number by bare ADO.NET", Median(theirs), (us, them) => us <= them * 4 + 1, "at most four times as long and 1 ms");
    }

    /// <summary>The VMs' columns, tags and total as a page needs them, without any of our code.</summary>
    private static async Task<int> BareAsync(Db db, string? like, int offset, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var where = like is null ? "" : "WHERE v.name_key LIKE @like OR v.id LIKE @like OR EXISTS (SELECT 1 FROM tags t WHERE t.kind = 'vm' AND t.object_id = v.id AND t.tag LIKE @like)";
        await using (var count = Command(connection, $"SELECT count(*) FROM vms v {where}", like)) _ = await count.ExecuteScalarAsync(cancellation);
        await using var page = Command(connection, $"SELECT v.*, h.name, h.connected FROM vms v JOIN hosts h ON h.id = v.host_id {where} ORDER BY v.name_key, v.id LIMIT {PageSize} OFFSET {offset}", like);
        await using var reader = await page.ExecuteReaderAsync(cancellation);
        var (rows, values) = (0, new object[reader.FieldCount]);
        for (; await reader.ReadAsync(cancellation); rows++) reader.GetValues(values);
        return rows;
    }

    private static DbCommand Command(DbConnection connection, string sql, string? like)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        if (like is null) return command;
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = ("@like", like);
        command.Parameters.Add(parameter);
        return command;
    }

    /// <summary>A change reaches all open lists: time and allocation for each list, beside each of them reading its page again.</summary>
    private static async Task<IReadOnlyList<Figure>> LiveAsync(EventStream<Vm> stream, VirtualMachines machines, Db db, CancellationToken cancellation)
    {
        var shown = (await machines.ListAsync(Caller.System, new VmQuery(), new PageQuery(1, PageSize, "name"), cancellation)).Value.Items;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var arrived = new SemaphoreSlim(0);
        var views = Enumerable.Range(0, Views).Select(_ => Task.Run(async () =>
        {
            await foreach (var batch in stream.SubscribeAsync(_ => Task.FromResult(shown), end.Token)) arrived.Release();
        }, CancellationToken.None)).ToArray();
        for (var i = 0; i < Views; i++) await arrived.WaitAsync(cancellation); // the snapshots

        var times = new List<double>();
        long allocated = 0;
        for (var update = -50; update < Updates; update++)
        {
            var changed = shown[Math.Abs(update) % PageSize] with { State = update % 2 == 0 ? VmState.Off : VmState.Running };
            var before = GC.GetTotalAllocatedBytes(precise: true);
            var clock = Stopwatch.StartNew();
            stream.Publish(changed);
            for (var i = 0; i < Views; i++) await arrived.WaitAsync(cancellation);
            if (update < 0) continue;
            times.Add(clock.Elapsed.TotalMilliseconds / Views);
            allocated += GC.GetTotalAllocatedBytes(precise: true) - before;
        }
        await end.CancelAsync();
        await Task.WhenAll(views.Select(v => v.ContinueWith(static _ => { }, TaskScheduler.Default)));

        var reads = new List<double>();
        long readBytes = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            var clock = Stopwatch.StartNew();
            await BareAsync(db, null, 0, cancellation);
            reads.Add(clock.Elapsed.TotalMilliseconds);
            readBytes += GC.GetTotalAllocatedBytes(precise: true) - before;
        }
        return
        [
            new Figure("a live update in one of 50 open lists", "ms", Median(times), "reading the page again by bare ADO.NET", Median(reads), (us, them) => us <= them / 2, "at most half"),
            new Figure("allocation of an update in one list", "bytes", allocated / (double)(Updates * Views), "reading the page again by bare ADO.NET", readBytes / (double)Rounds, (us, them) => us <= them / 4, "at most a quarter"),
        ];
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
