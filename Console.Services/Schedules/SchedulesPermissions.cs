using Quarterdeck.Access;

namespace Quarterdeck.Schedules;

/// <summary>What callers may do with schedules. Setting one takes the permission of its action as well.</summary>
public static class SchedulesPermissions
{
    /// <summary>See schedules and runs to come.</summary>
    public static readonly Permission Read = new("schedules.read", Role.Viewer, "See schedules");

    /// <summary>Add, change, run and delete schedules.</summary>
    public static readonly Permission Manage = new("schedules.manage", Role.Operator, "Manage schedules");
}
