using System.Data.Common;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>Lets versions answer: checks shares, keeps trust, writes the history, and waits until this node routes by it.</summary>
internal sealed class Deployer(Db db, DeploymentStore deployments, VersionStore versions, WorkerStore workers, PolicyStore policies, WorkerNews news, AuditLog audit)
{
    private const int LongestReason = 500;

    /// <summary>A deployment as asked for, checked but for whether the versions exist.</summary>
    public static Result<DeploymentDraft> Read(NewDeployment wanted, string by)
    {
        var errors = new List<FieldError>();
        var shares = wanted.Versions ?? [];
        if (shares.Count is 0 or > 2) errors.Add(new("versions", shares.Count == 0 ? "It names no version." : $"It names {shares.Count} versions.", "Name one version with 100 per cent, or two that make 100."));
        for (var i = 0; i < shares.Count; i++)
            if (shares[i].Percent is < 0 or > 100) errors.Add(new($"versions[{i}].percent", $"{shares[i].Percent} is not between 0 and 100.", "Give whole per cents."));
        if (errors.Count == 0 && shares.Sum(s => s.Percent) is var sum and not 100) errors.Add(new("versions", $"The shares make {sum} per cent.", "Let them make 100."));
        if (shares.Count == 2 && shares[0].Version == shares[1].Version) errors.Add(new("versions[1].version", $"Version {shares[0].Version} comes twice.", "Name another version, or one alone with 100 per cent."));
        if (wanted.Sticky is { } sticky && (sticky.Name is not { Length: > 0 and <= 64 } || sticky.Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))))
            errors.Add(new("sticky.name", "It is no name of a cookie or header.", "Use 1 to 64 letters, digits, - and _, such as x-user."));
        if (wanted.Sticky is { Name: { } header } && header.StartsWith("x-quarterdeck-", StringComparison.OrdinalIgnoreCase)) errors.Add(new("sticky.name", "Names that begin with x-quarterdeck- are the platform's own.", "Choose another."));
        if (wanted.Reason is { Length: > LongestReason }) errors.Add(new("reason", $"It is longer than {LongestReason} characters.", "Say it in fewer words."));
        return errors.Count > 0 ? Problem.Invalid(errors) : new DeploymentDraft([.. shares.OrderBy(s => s.Version)], wanted.Sticky, wanted.Reason ?? "", false, by);
    }

    /// <summary>Deploys, and waits until this node routes by it.</summary>
    /// <param name="caller">Who deploys.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="draft">What.</param>
    /// <param name="expected">The number that must still be the deployment of now; null for whatever is.</param>
    /// <param name="cancellation">Gives up before it is stored.</param>
    public async Task<Result<WorkerDeployment>> DeployAsync(Caller caller, Worker worker, DeploymentDraft draft, int? expected, CancellationToken cancellation)
    {
        var policy = await policies.ReadAsync(cancellation);
        var made = await db.TransactionAsync(connection => WriteAsync(connection, caller, worker.Serial, worker.Name, worker.Deployment, draft, expected, policy, cancellation), cancellation);
        if (!made.TryGet(out var deployment, out var problem)) return problem;
        await TellAsync(worker.Id, worker.Serial, deployment.Number);
        return deployment;
    }

    /// <summary>The part inside a transaction; an upload makes its version in the same one.</summary>
    public async Task<Result<WorkerDeployment>> WriteAsync(
        DbConnection connection, Caller caller, long serial, string name, WorkerDeployment? before, DeploymentDraft draft, int? expected, WorkerPolicy policy, CancellationToken cancellation)
    {
        var trusted = await versions.TrustedAsync(connection, serial, [.. draft.Versions.Select(v => v.Version)]);
        for (var i = 0; i < draft.Versions.Count; i++)
            if (!trusted.ContainsKey(draft.Versions[i].Version))
                return Problem.Invalid($"versions[{i}].version", $"'{name}' has no version {draft.Versions[i].Version}.", "Name one of its versions; old ones are removed after a while.");
        if (await deployments.AddAsync(connection, serial, draft, expected) is not { } made) return Problem.Conflict("Deployed meanwhile", $"Somebody deployed '{name}' meanwhile. Look at its deployments, and try again.");
        // Who is trusted vouches for what they deploy; a rollback of somebody else must not cordon a worker whose versions are trusted.
        await workers.TrustAsync(connection, serial, caller.Role >= policy.TrustedRole || trusted.Values.All(t => t), caller.Name);
        await audit.WriteAsync(connection, caller, draft.Automatic ? "worker.rollback" : "worker.deploy", $"worker:{name}", name, before is null ? null : Shown(before), Shown(made), cancellation);
        return made;
    }

    /// <summary>Tells everybody, and waits until this node routes by a deployment. What is stored is not taken back when the caller goes.</summary>
    public async Task TellAsync(Guid id, long serial, int number)
    {
        news.Worker(id, serial);
        await news.RoutedAsync(table => table.Workers.TryGetValue(serial, out var worker) && worker.Deployment >= number, CancellationToken.None);
    }

    private static object Shown(WorkerDeployment d) => new { d.Number, d.Versions, d.Sticky, d.Reason };
}
