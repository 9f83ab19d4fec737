using Quarterdeck.Access;

namespace Quarterdeck.Workers;

/// <summary>What callers may do with workers and zones.</summary>
public static class WorkersPermissions
{
    /// <summary>See workers, versions with their code (never secrets), deployments, zones and compute servers.</summary>
    public static readonly Permission Read = new("workers.read", Role.Viewer, "See workers, their code and versions, zones and compute servers");

    /// <summary>Follow what workers log: it may hold data of their visitors.</summary>
    public static readonly Permission Logs = new("workers.logs", Role.Operator, "Follow the log of workers");

    /// <summary>Make versions, deploy and roll back; change a worker's settings.</summary>
    public static readonly Permission Deploy = new("workers.deploy", Role.Operator, "Make versions of workers, deploy them and roll them back");

    /// <summary>Delete workers, trust them, move them between tiers, and set limits for all.</summary>
    public static readonly Permission Manage = new("workers.manage", Role.Administrator, "Delete and trust workers, move them between tiers, set the limits of all");

    /// <summary>Set which host names and paths workers answer. Host names are the organisation's, so it takes an administrator.</summary>
    public static readonly Permission ManageZones = new("zones.manage", Role.Administrator, "Add, change and delete zones with their routes and certificates");

    /// <summary>Look at messages of queues, which may hold data of visitors; send, pause and resume.</summary>
    public static readonly Permission UseQueues = new("queues.use", Role.Operator, "Look at and send messages of queues, pause and resume them");

    /// <summary>Look at, put and delete objects of buckets, which may hold data of visitors.</summary>
    public static readonly Permission UseBuckets = new("buckets.use", Role.Operator, "Look at, put and delete objects of buckets");

    /// <summary>Make buckets in repositories' places, set their limits and delete them.</summary>
    public static readonly Permission ManageBuckets = new("buckets.manage", Role.Administrator, "Make, limit and delete buckets");

    /// <summary>Set how long queues keep messages, purge and delete them.</summary>
    public static readonly Permission ManageQueues = new("queues.manage", Role.Administrator, "Change, purge and delete queues");
}
