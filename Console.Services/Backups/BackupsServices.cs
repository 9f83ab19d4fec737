using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Backups.Capture;
using Quarterdeck.Backups.Jobs;
using Quarterdeck.Backups.Points;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;
using Quarterdeck.Schedules;

namespace Quarterdeck.Backups;

/// <summary>Registers the room.</summary>
public static class BackupsServices
{
    /// <summary>Adds backups and recovery points: services, the live topic <c>recovery-points</c>, operations, and the mirror of the repositories' points. Needs Hosts and Repositories.</summary>
    public static IServiceCollection AddBackups(this IServiceCollection services)
    {
        services.AddOptions<BackupsOptions>().BindConfiguration("Quarterdeck:Backups").ValidateOnStart();
        services.AddSingleton<IValidateOptions<BackupsOptions>, BackupsOptionsValidator>();
        services.AddPermissions(typeof(BackupsPermissions));
        services.TryAddSingleton<ProcessRunner>();
        services.AddSingleton<PointStore>().AddSingleton<PointMirror>();
        services.AddHostedService(p => p.GetRequiredService<PointMirror>());
        services.AddSingleton<IPointsChanged>(p => p.GetRequiredService<PointMirror>()).AddSingleton<PointsInUse>().AddSingleton<IPointUse>(p => p.GetRequiredService<PointsInUse>());
        services.AddSingleton(p => p.GetRequiredService<PointStore>().Stream);
        services.AddSingleton<SocketRooms>().AddSingleton<ImageTool>().AddSingleton<Checkpoints>().AddSingleton<CaptureParts>().AddSingleton<GuestState>();
        // Constructors of public classes stay internal where they take private parts, so the container is told how.
        services.AddSingleton(p => new PointTaker(p.GetRequiredService<CaptureParts>(), p.GetRequiredService<GuestState>(), p.GetRequiredService<PointStore>(), p.GetRequiredService<IOptions<BackupsOptions>>()));
        services.AddSingleton(p => new ChangeTracking(p.GetRequiredService<ImageTool>(), p.GetRequiredService<Checkpoints>()));
        services.AddSingleton<IBeforeVmChange, StopTrackingBeforeChange>();
        services.AddSingleton(p => new RecoveryPoints(
            p.GetRequiredService<PointStore>(), p.GetRequiredService<PointMirror>(), p.GetRequiredService<PointsInUse>(), p.GetRequiredService<RepositoryConnections>(), p.GetRequiredService<VirtualMachines>(),
            p.GetRequiredService<HostConnections>(), p.GetRequiredService<OperationQueue>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>()));
        AddJobs(services);
        services.AddOperationHandler<BackUpHandler>().AddOperationHandler<VerifyPointHandler>();
        return services;
    }

    private static void AddJobs(IServiceCollection services)
    {
        services.AddSingleton<JobStore>().AddSingleton<JobCheck>().AddSingleton<JobVms>().AddSingleton<JobRetention>();
        // A job's run and its schedule change it, too: what is told is read whole.
        services.AddSingleton(p => new EventStream<BackupJob>("backup-jobs", j => j.Id.ToString(),
            async (keys, c) => await p.GetRequiredService<JobBook>().WholeAsync(await p.GetRequiredService<JobStore>().LoadAsync(keys, c), c), p.GetRequiredService<EventBus>()));
        services.AddSingleton(p => new JobBook(
            p.GetRequiredService<JobStore>(), p.GetRequiredService<JobCheck>(), p.GetRequiredService<JobVms>(), p.GetRequiredService<JobRetention>(), p.GetRequiredService<ScheduleBook>(),
            p.GetRequiredService<OperationQueue>(), p.GetRequiredService<OperationReader>(), p.GetRequiredService<EventStream<BackupJob>>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>()));
        services.AddSingleton<PointSummaries>();
        services.AddHostedService<JobFollower>();
        services.AddSingleton(p => new Protection(p.GetRequiredService<JobStore>(), p.GetRequiredService<JobBook>(), p.GetRequiredService<JobVms>(), p.GetRequiredService<PointSummaries>(), p.GetRequiredService<Guard>()));
        services.AddOperationHandler<JobRunHandler>().AddScheduledAction<ScheduledJobRun>();
    }
}
