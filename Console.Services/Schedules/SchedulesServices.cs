using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Schedules.Registry;
using Quarterdeck.Schedules.Running;

namespace Quarterdeck.Schedules;

/// <summary>Registration of the room.</summary>
public static class SchedulesServices
{
    /// <summary>Adds schedules and the clock that starts their runs. Needs Operations.</summary>
    public static IServiceCollection AddSchedules(this IServiceCollection services)
    {
        services.AddPermissions(typeof(SchedulesPermissions));
        services.AddSingleton<ScheduleStore>().AddSingleton<ScheduledActions>().AddSingleton<ScheduleCheck>().AddSingleton<ScheduleClock>();
        services.AddHostedService(p => p.GetRequiredService<ScheduleClock>());
        services.AddSingleton(p => new EventStream<Schedule>("schedules", s => s.Id.ToString(), p.GetRequiredService<ScheduleStore>().LoadAsync, p.GetRequiredService<EventBus>()));
        services.AddSingleton(p => new ScheduleBook(
            p.GetRequiredService<ScheduleStore>(), p.GetRequiredService<ScheduleCheck>(), p.GetRequiredService<ScheduleClock>(), p.GetRequiredService<ScheduledActions>(),
            p.GetRequiredService<EventStream<Schedule>>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>(), p.GetRequiredService<Db>(), p.GetRequiredService<TimeProvider>()));
        return services;
    }

    /// <summary>Lets schedules run an action, a singleton that is first made when needed.</summary>
    public static IServiceCollection AddScheduledAction<TAction>(this IServiceCollection services)
        where TAction : class, IScheduledAction => services.AddSingleton<IScheduledAction, TAction>();
}
