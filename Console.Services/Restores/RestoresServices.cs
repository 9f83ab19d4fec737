using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Definition;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Exports;
using Quarterdeck.Restores.Files;
using Quarterdeck.Restores.History;
using Quarterdeck.Restores.Instant;
using Quarterdeck.Restores.Planning;
using Quarterdeck.Restores.Run;

namespace Quarterdeck.Restores;

/// <summary>Registration of the room.</summary>
public static class RestoresServices
{
    /// <summary>Adds restores of VMs. Needs Operations, Hosts, Repositories, Backups and Access.</summary>
    public static IServiceCollection AddRestores(this IServiceCollection services)
    {
        services.AddOptions<RestoresOptions>().BindConfiguration("Quarterdeck:Restores")
            .Validate(o => o.ShutdownSeconds is >= 0 and <= 3600, "Quarterdeck:Restores:ShutdownSeconds must be 0 to 3600. Example: 120")
            .Validate(o => o.CommonPointDays is >= 1 and <= 3650, "Quarterdeck:Restores:CommonPointDays must be 1 to 3650. Example: 7")
            .Validate(o => o.MemoryMiB is >= 1 and <= 65536, "Quarterdeck:Restores:MemoryMiB must be 1 to 65536. Example: 256")
            .Validate(o => o.FlushMiB is >= 1 and <= 1024, "Quarterdeck:Restores:FlushMiB must be 1 to 1024. Example: 64")
            .Validate(o => o.ExportCacheMiB is >= 1 and <= 65536, "Quarterdeck:Restores:ExportCacheMiB must be 1 to 65536. Example: 32")
            .Validate(o => o.ExportPatienceSeconds is >= 0 and <= 3600, "Quarterdeck:Restores:ExportPatienceSeconds must be 0 to 3600. Example: 60")
            .Validate(o => o.FileVmMemoryMiB is >= 128 and <= 4096, "Quarterdeck:Restores:FileVmMemoryMiB must be 128 to 4096. Example: 256")
            .Validate(o => o.FileVms is >= 1 and <= 64, "Quarterdeck:Restores:FileVms must be 1 to 64. Example: 4")
            .Validate(o => o.FileIdleSeconds is >= 10 and <= 86400, "Quarterdeck:Restores:FileIdleSeconds must be 10 to 86400. Example: 300")
            .Validate(o => o.FileListLimit is >= 100 and <= 1_000_000, "Quarterdeck:Restores:FileListLimit must be 100 to 1000000. Example: 20000")
            .Validate(o => o.FileArchiveEntries is >= 100 and <= 10_000_000, "Quarterdeck:Restores:FileArchiveEntries must be 100 to 10000000. Example: 1000000")
            .ValidateOnStart();
        services.AddPermissions(typeof(RestoresPermissions));
        services.TryAddSingleton<ProcessRunner>();
        services.AddSingleton<ImageTool>().AddSingleton<RestoreHistory>();
        services.AddSingleton<VmPower>().AddSingleton<PointSource>().AddSingleton<Firmware>().AddSingleton<DomainBack>();
        services.AddSingleton<CommonTaker>().AddSingleton<NeededChunks>().AddSingleton<InPlaceWriting>().AddSingleton<WholeDisk>().AddSingleton<RollBack>();
        services.AddSingleton<IncrementalRestore>().AddSingleton<FullRestore>().AddSingleton<NewVmRestore>();
        services.AddSingleton<RetryShim>().AddSingleton<StillPull>().AddSingleton<InstantPull>().AddSingleton<InstantRestore>();
        services.AddSingleton<IBeforeVmChange>(p => p.GetRequiredService<StillPull>());
        services.AddSingleton<IBeforeVmChange, UnmovedData>();
        services.AddSingleton<RestoreCheck>().AddSingleton<RestorePlanner>();
        services.AddSingleton<ExportSockets>();
        services.AddSingleton(p => new PointExports(
            p.GetRequiredService<RecoveryPoints>(), p.GetRequiredService<RepositoryConnections>(), p.GetRequiredService<ExportSockets>(),
            p.GetRequiredService<IOptions<RestoresOptions>>(), p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<PointExports>>()));
        // Constructors of public classes stay internal where they take private parts, so the container is told how.
        services.AddSingleton(p => new VmRestores(
            p.GetRequiredService<RestoreCheck>(), p.GetRequiredService<RestorePlanner>(), p.GetRequiredService<OperationQueue>(), p.GetRequiredService<Guard>(),
            p.GetRequiredService<TimeProvider>(), p.GetRequiredService<IOptions<RestoresOptions>>()));
        AddFiles(services);
        services.AddOperationHandler<RestoreHandler>();
        return services;
    }

    private static void AddFiles(IServiceCollection services)
    {
        services.AddSingleton<FileVmImage>().AddSingleton<OpenPoints>();
        services.AddHostedService(p => p.GetRequiredService<OpenPoints>());
        services.AddSingleton(p => new PointFiles(
            p.GetRequiredService<OpenPoints>(), p.GetRequiredService<RecoveryPoints>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>(), p.GetRequiredService<IOptions<RestoresOptions>>()));
    }
}
