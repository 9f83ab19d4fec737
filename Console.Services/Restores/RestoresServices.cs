using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Operations;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Definition;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Exports;
using Quarterdeck.Restores.History;
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
            .ValidateOnStart();
        services.AddPermissions(typeof(RestoresPermissions));
        services.TryAddSingleton<ProcessRunner>();
        services.AddSingleton<ImageTool>().AddSingleton<RestoreHistory>();
        services.AddSingleton<VmPower>().AddSingleton<PointSource>().AddSingleton<Firmware>().AddSingleton<DomainBack>();
        services.AddSingleton<CommonTaker>().AddSingleton<NeededChunks>().AddSingleton<InPlaceWriting>().AddSingleton<WholeDisk>().AddSingleton<RollBack>();
        services.AddSingleton<IncrementalRestore>().AddSingleton<FullRestore>().AddSingleton<NewVmRestore>();
        services.AddSingleton<RestoreCheck>().AddSingleton<RestorePlanner>();
        services.AddSingleton<ExportSockets>();
        services.AddSingleton(p => new PointExports(
            p.GetRequiredService<RecoveryPoints>(), p.GetRequiredService<RepositoryConnections>(), p.GetRequiredService<ExportSockets>(),
            p.GetRequiredService<IOptions<RestoresOptions>>(), p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<PointExports>>()));
        // Constructors of public classes stay internal where they take private parts, so the container is told how.
        services.AddSingleton(p => new VmRestores(
            p.GetRequiredService<RestoreCheck>(), p.GetRequiredService<RestorePlanner>(), p.GetRequiredService<OperationQueue>(), p.GetRequiredService<Guard>(),
            p.GetRequiredService<TimeProvider>(), p.GetRequiredService<IOptions<RestoresOptions>>()));
        services.AddOperationHandler<RestoreHandler>();
        return services;
    }
}
