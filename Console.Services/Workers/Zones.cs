using System.Data.Common;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>The host names that workers answer.</summary>
public sealed class Zones
{
    private const int MostRoutes = 1000;
    private readonly ZoneStore _store;
    private readonly WorkerStore _workers;
    private readonly OwnNames _names;
    private readonly WorkerNews _news;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal Zones(ZoneStore store, WorkerStore workers, OwnNames names, WorkerNews news, Guard guard, AuditLog audit) =>
        (_store, _workers, _names, _news, _guard, _audit) = (store, workers, names, news, guard, audit);

    /// <summary>What lists may be sorted by, as REST spells it.</summary>
    public static IReadOnlyCollection<string> Sorts { get; } = [.. ZoneStore.Sorts.Keys];

    /// <summary>One page by host name; the search looks into it.</summary>
    public async Task<Result<Page<Zone>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, WorkersPermissions.Read, "zone", cancellation) is { } refused ? refused : await _store.ListAsync(page, cancellation);

    /// <summary>One zone.</summary>
    public async Task<Result<Zone>> GetAsync(Caller caller, string hostname, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, Target(hostname), cancellation) is { } refused) return refused;
        return await FindAsync(hostname, cancellation) is { } zone ? zone : Problem.NotFound("zone", hostname);
    }

    /// <summary>Makes a zone or replaces its routes; answers once this node routes by them.</summary>
    /// <returns>The zone, and whether it is new.</returns>
    public async Task<Result<(Zone Zone, bool Made)>> PutAsync(Caller caller, string hostname, NewZone wanted, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageZones, Target(hostname), cancellation) is { } refused) return refused;
        if (!_names.Zone(hostname).TryGet(out var name, out var problem)) return problem;
        if (!(await RoutesAsync(name, wanted.Routes ?? [], cancellation)).TryGet(out var routes, out problem)) return problem;
        var before = await _store.FindAsync(name, cancellation);
        bool made;
        try
        {
            made = await _store.PutAsync(name, routes, connection =>
                _audit.WriteAsync(connection, caller, before is null ? "zone.create" : "zone.change", Target(name), name, before is null ? null : new { before.Routes }, new { wanted.Routes }, cancellation), cancellation);
        }
        catch (DbException e) when (Dialect.IsForeignKeyViolation(e)) { return Problem.Conflict("A worker was deleted", "One of the workers was deleted meanwhile. Look at the routes, and try again."); }
        _news.Zones(name);
        var expected = routes.Select(r => (r.Pattern, r.Serial)).ToHashSet();
        await _news.RoutedAsync(table => table.Zones.TryGetValue(name, out var zone) && expected.SetEquals(zone.Routes.Select(r => (r.Pattern, r.Serial))), CancellationToken.None);
        return await _store.FindAsync(name, cancellation) is { } zone ? (zone, made) : Problem.NotFound("zone", name);
    }

    /// <summary>Deletes a zone: its host name is answered 404 from then on.</summary>
    public async Task<Result<Done>> DeleteAsync(Caller caller, string hostname, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageZones, Target(hostname), cancellation) is { } refused) return refused;
        if (await FindAsync(hostname, cancellation) is not { } zone) return Problem.NotFound("zone", hostname);
        await _store.DeleteAsync(zone.Hostname, connection => _audit.WriteAsync(connection, caller, "zone.delete", Target(zone.Hostname), zone.Hostname, new { zone.Routes }, null, cancellation), cancellation);
        _news.Zones(zone.Hostname);
        await _news.RoutedAsync(table => !table.Zones.ContainsKey(zone.Hostname), CancellationToken.None);
        return Done.It;
    }

    private async Task<Result<IReadOnlyList<(string Pattern, long Serial)>>> RoutesAsync(string hostname, IReadOnlyList<ZoneRoute> wanted, CancellationToken cancellation)
    {
        if (wanted.Count > MostRoutes) return Problem.Invalid("routes", $"There are {wanted.Count}.", $"Send at most {MostRoutes}; one worker can tell paths apart by itself.");
        var errors = new List<FieldError>();
        var serials = await _workers.SerialsAsync([.. wanted.Select(r => r.Worker ?? "").Distinct()], cancellation);
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        var routes = new List<(string Pattern, long Serial)>();
        for (var i = 0; i < wanted.Count; i++)
        {
            if (!serials.TryGetValue(wanted[i].Worker ?? "", out var serial)) errors.Add(new($"routes[{i}].worker", $"There is no worker '{wanted[i].Worker}'.", "Deploy it first, or correct the name."));
            if (!RoutePattern.Parse(wanted[i].Pattern, hostname, $"routes[{i}].pattern").TryGet(out var pattern, out var problem)) errors.AddRange(problem.Errors);
            else if (!seen.TryAdd(pattern, i)) errors.Add(new($"routes[{i}].pattern", $"It overlaps routes[{seen[pattern]}]: both are '{pattern}', so that neither is more specific.", "Remove one, or make one longer: the more specific pattern wins."));
            else routes.Add((pattern, serial));
        }
        return errors.Count > 0 ? Problem.Invalid(errors) : routes;
    }

    // A name that could never be a zone's is simply not found.
    private async Task<Zone?> FindAsync(string hostname, CancellationToken cancellation) => await _store.FindAsync(hostname.Trim().TrimEnd('.').ToLowerInvariant(), cancellation);

    private static string Target(string hostname) => $"zone:{hostname}";
}
