using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Access;

/// <summary>A room's permissions, as registered by <see cref="PermissionRegistration.AddPermissions"/>.</summary>
/// <param name="Room">The room's name, such as <c>Hosts</c>.</param>
/// <param name="Permissions">All of them.</param>
public sealed record RoomPermissions(string Room, IReadOnlyList<Permission> Permissions);

/// <summary>Every permission of every room, so that tokens can be scoped and tests can walk them.</summary>
public sealed class PermissionCatalogue
{
    private readonly Dictionary<string, Permission> _byKey = [];

    /// <exception cref="InvalidOperationException">Two rooms use one key.</exception>
    public PermissionCatalogue(IEnumerable<RoomPermissions> rooms)
    {
        Rooms = [.. rooms.OrderBy(r => r.Room, StringComparer.Ordinal)];
        foreach (var (room, permission) in Rooms.SelectMany(r => r.Permissions.Select(p => (r.Room, p))))
            if (!_byKey.TryAdd(permission.Key, permission))
                throw new InvalidOperationException($"The permission key '{permission.Key}' of {room} is declared twice.");
    }

    /// <summary>By room, in alphabetical order.</summary>
    public IReadOnlyList<RoomPermissions> Rooms { get; }

    /// <summary>All of them.</summary>
    public IEnumerable<Permission> All => _byKey.Values;

    /// <summary>The permission with this key, or null.</summary>
    public Permission? Find(string key) => _byKey.GetValueOrDefault(key);
}

/// <summary>How a room tells its permissions.</summary>
public static class PermissionRegistration
{
    /// <summary>Registers every public static <see cref="Permission"/> of <paramref name="holder"/>, such as <c>typeof(VmPermissions)</c>; none can be forgotten.</summary>
    public static IServiceCollection AddPermissions(this IServiceCollection services, Type holder)
    {
        const BindingFlags Statics = BindingFlags.Public | BindingFlags.Static;
        var permissions = holder.GetFields(Statics).Select(f => f.GetValue(null))
            .Concat(holder.GetProperties(Statics).Select(p => p.GetValue(null)))
            .OfType<Permission>().ToArray();
        if (permissions.Length == 0) throw new ArgumentException($"{holder} declares no permission.", nameof(holder));
        return services.AddSingleton(new RoomPermissions(holder.Namespace?.Split('.')[^1] ?? holder.Name, permissions));
    }
}
