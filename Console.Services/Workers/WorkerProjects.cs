using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Projects;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>Project folders as wrangler has them: read as they are, compiled, and made into a version with its routes.</summary>
public sealed class WorkerProjects
{
    private readonly WorkerRegistry _registry;
    private readonly Zones _zones;
    private readonly Bundler _bundler;
    private readonly WorkersOptions _options;

    internal WorkerProjects(WorkerRegistry registry, Zones zones, Bundler bundler, IOptions<WorkersOptions> options) => (_registry, _zones, _bundler, _options) = (registry, zones, bundler, options.Value);

    /// <summary>Opens a zip, tar or tar.gz; what comes out may have as many bytes as an upload.</summary>
    public Task<Result<IReadOnlyList<UploadedFile>>> OpenArchiveAsync(ReadOnlyMemory<byte> archive, CancellationToken cancellation) => ProjectArchive.OpenAsync(archive, _options.UploadBytes, cancellation);

    /// <summary>Makes a version of a project folder, and routes its patterns when it is deployed. Keys that mean nothing here are named among the warnings.</summary>
    /// <param name="caller">Who sends it; routes need <see cref="WorkersPermissions.ManageZones"/>, and are left out with a warning otherwise.</param>
    /// <param name="files">The folder, with node_modules where it imports packages.</param>
    /// <param name="name">The worker's name; null for the settings file's.</param>
    /// <param name="environment">A named environment of the settings file; null for none.</param>
    /// <param name="deploy">Whether it gets all requests at once.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Result<UploadOutcome>> DeployAsync(Caller caller, IReadOnlyList<UploadedFile> files, string? name, string? environment, bool deploy, CancellationToken cancellation)
    {
        if ((await _registry.MayUploadAsync(caller, name ?? "project", cancellation)).Problem is { } refused) return refused;
        if (!Named(files).TryGet(out var project, out var problem)) return problem;
        if (!WranglerFile.Read(project, environment).TryGet(out var file, out problem)) return problem;
        if (!new WranglerReading(file).Plan().TryGet(out var plan, out problem)) return problem;
        var worker = name ?? plan.Name;
        if (worker is null) return Problem.Invalid($"{Path.GetFileName(file.Path)}: name", "It is missing.", "Give the worker a name there, or send one.");
        var own = project.Where(f => f.Name.StartsWith(file.Folder, StringComparison.Ordinal)).Select(f => f with { Name = f.Name[file.Folder.Length..] }).ToList();
        if (!(await ModulesAsync(own, plan, cancellation)).TryGet(out var modules, out problem)) return problem;
        var metadata = plan.Metadata with { MainModule = modules.Count > 0 ? plan.NoBundle ? plan.Main : modules[0].Name : null };
        var upload = new WorkerUpload(metadata, [.. modules, .. Assets(own, plan)]);
        if (!(await _registry.UploadAsync(caller, worker, upload, deploy, cancellation)).TryGet(out var outcome, out problem)) return problem;
        var warnings = plan.Warnings.Concat(outcome.Warnings).ToList();
        if (deploy) warnings.AddRange(await RouteAsync(caller, outcome.Name, plan.Routes, cancellation));
        else if (plan.Routes.Count > 0) warnings.Add("The routes were left as they are: the version is not deployed.");
        return outcome with { Warnings = warnings };
    }

    /// <summary>TypeScript modules of an upload made into JavaScript; an upload without any stays as it is.</summary>
    internal static bool NeedsCompiling(WorkerUpload upload) => upload.Files.Any(f => ModuleCheck.IsTypeScript(f.Name) && !f.Name.StartsWith(AssetCheck.Folder, StringComparison.Ordinal));

    private static Result<IReadOnlyList<UploadedFile>> Named(IReadOnlyList<UploadedFile> files)
    {
        var found = new List<UploadedFile>();
        foreach (var file in files)
        {
            if (ModuleCheck.Normal(file.Name) is not { } path) return Problem.Invalid($"files[{file.Name}]", "Its name leaves the folder or has characters that no path has.", "Send paths relative to the project folder.");
            if (ProjectArchive.Matters(path)) found.Add(file with { Name = path });
        }
        return found;
    }

    private async Task<Result<IReadOnlyList<UploadedFile>>> ModulesAsync(List<UploadedFile> own, WranglerPlan plan, CancellationToken cancellation)
    {
        if (plan.Main is not { } main) return Array.Empty<UploadedFile>();
        if (own.TrueForAll(f => f.Name != main)) return Problem.Invalid("main", $"There is no file '{main}' in the upload.", "Send it too, or correct main in the settings file.");
        if (!plan.NoBundle) return await _bundler.BundleAsync(own, plan.Order, cancellation);
        var folder = main[..(main.LastIndexOf('/') + 1)];
        return own.Where(f => f.Name.StartsWith(folder, StringComparison.Ordinal) && !f.Name.Contains("node_modules/", StringComparison.Ordinal) && !InAssets(f, plan) && ModuleCheck.KindOf(f.Name) is not null && Path.GetFileName(f.Name) is not ("package.json" or "package-lock.json" or "tsconfig.json" or "wrangler.json"))
            .ToList();
    }

    private static IEnumerable<UploadedFile> Assets(IEnumerable<UploadedFile> own, WranglerPlan plan)
    {
        if (plan.AssetFolder is not { } folder) return [];
        var files = own.Where(f => InAssets(f, plan)).Select(f => f with { Name = f.Name[(folder.Length + 1)..] }).ToList();
        var ignore = new AssetIgnore(files.Find(f => f.Name == AssetIgnore.FileName)?.Content ?? default);
        return files.Where(f => f.Name != AssetIgnore.FileName && !ignore.Leaves(f.Name)).Select(f => f with { Name = AssetCheck.Folder + f.Name });
    }

    private static bool InAssets(UploadedFile file, WranglerPlan plan) => plan.AssetFolder is { } folder && file.Name.StartsWith(folder + "/", StringComparison.Ordinal);

    // A route that cannot be set must not take back a version that runs: it is told instead.
    private async Task<IReadOnlyList<string>> RouteAsync(Caller caller, string worker, IReadOnlyList<(string Hostname, string Pattern)> routes, CancellationToken cancellation)
    {
        if (routes.Count == 0) return [];
        if (!caller.May(WorkersPermissions.ManageZones)) return [$"The routes {string.Join(", ", routes.Select(r => r.Hostname + r.Pattern))} were left as they are: they need the permission zones.manage."];
        var warnings = new List<string>();
        foreach (var zone in routes.GroupBy(r => r.Hostname, StringComparer.OrdinalIgnoreCase))
        {
            var known = (await _zones.GetAsync(caller, zone.Key, cancellation)).TryGet(out var found, out _) ? found.Routes : [];
            var wanted = zone.Select(r => new ZoneRoute(r.Pattern, worker)).ToList();
            var kept = known.Where(k => wanted.TrueForAll(w => w.Pattern != k.Pattern));
            if ((await _zones.PutAsync(caller, zone.Key, new NewZone([.. kept, .. wanted]), cancellation)).Problem is { } problem) warnings.Add($"The routes of {zone.Key} were left as they are: {problem.Detail}");
        }
        return warnings;
    }
}
