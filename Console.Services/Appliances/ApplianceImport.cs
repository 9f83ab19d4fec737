using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances;

/// <summary>Takes OVA packages in: looks at them, or deploys them while they are being uploaded.</summary>
public sealed class ApplianceImport
{
    private readonly Guard _guard;
    private readonly OperationQueue _queue;
    private readonly HostConnections _hosts;
    private readonly PackageIntake _intake;
    private readonly PermissionCatalogue _permissions;
    private readonly TimeProvider _time;
    private readonly AppliancesOptions _options;
    private readonly SemaphoreSlim _uploads;

    internal ApplianceImport(Guard guard, OperationQueue queue, HostConnections hosts, PackageIntake intake, PermissionCatalogue permissions, TimeProvider time, IOptions<AppliancesOptions> options)
    {
        (_guard, _queue, _hosts, _intake, _permissions, _time, _options) = (guard, queue, hosts, intake, permissions, time, options.Value);
        _uploads = new SemaphoreSlim(_options.Uploads);
    }

    /// <summary>The largest package that is taken, in bytes.</summary>
    public long MaxPackageBytes => _options.MaxPackageBytes;

    /// <summary>Whether the caller may deploy; asked before the first byte of an upload is read.</summary>
    public async Task<Result<Done>> MayDeployAsync(Caller caller, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, AppliancePermissions.Deploy, "appliance", cancellation) is { } refused ? refused : Done.It;

    /// <summary>Whether the caller may inspect; asked before the first byte of an upload is read.</summary>
    public async Task<Result<Done>> MayInspectAsync(Caller caller, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, AppliancePermissions.Inspect, "appliance", cancellation) is { } refused ? refused : Done.It;

    /// <summary>Says what of the specification would be refused, before anything is uploaded: the same checks that <see cref="BeginAsync"/> makes.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="spec">What to make of the package.</param>
    /// <param name="package">The package, as it was inspected.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<Result<Done>> CheckAsync(Caller caller, ApplianceSpec spec, OvaInspection package, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.Deploy, "appliance", cancellation) is { } refused) return refused;
        if (SpecCheck.Alone(spec, _permissions) is { } wrong) return wrong;
        if (await LendsAsync(caller, spec, cancellation) is { } lent) return lent;
        if (SpecCheck.Against(spec, package) is { } unfit) return unfit;
        if (!_hosts.Get(spec.HostId).TryGet(out var hypervisor, out var away)) return away;
        try
        {
            if (await hypervisor.DomainAsync(spec.Name, cancellation) is not null) return Problem.Invalid("name", $"The host has a VM '{spec.Name}' already.", "Choose another name.");
            if (package.Efi && !await hypervisor.HasUefiAsync(cancellation)) return Problem.Invalid("hostId", PackageReceiver.NoUefi.Title + ".", PackageReceiver.NoUefi.Detail);
            await HostNetwork.MapAsync(spec.Networks, package.Networks, hypervisor, cancellation);
        }
        catch (ProblemException e) { return e.Problem; }
        return Done.It;
    }

    /// <summary>Who lends what he does not have could raise himself through a plug-in.</summary>
    private async Task<Problem?> LendsAsync(Caller caller, ApplianceSpec spec, CancellationToken cancellation) =>
        spec.Capabilities.FirstOrDefault(key => !caller.May(_permissions.Find(key)!)) is { } key
            ? await _guard.RefuseAsync(caller, "appliance.approve", "appliance", $"{caller.Name} may not approve '{key}', as it is not among its own permissions. Leave it out, or ask an administrator.", cancellation)
            : null;

    /// <summary>Reads the package once, straight into disks on the host, then queues the rest (define, environment, power on, enrolment). Returns when the upload is read.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="spec">What to make of it.</param>
    /// <param name="ova">The package; read once, not sought.</param>
    /// <param name="length">Its bytes in all, for the progress; null when unknown.</param>
    /// <param name="cancellation">Ends the upload; what was made is removed.</param>
    /// <param name="began">Told the operation's id before the first byte is read, so that its progress can be shown meanwhile.</param>
    /// <returns>The operation's id. A package that is refused while it is read answers the refusal; nothing of it is left, and the operation tells the same.</returns>
    public async Task<Result<Guid>> BeginAsync(Caller caller, ApplianceSpec spec, Stream ova, long? length, CancellationToken cancellation, Action<Guid>? began = null)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.Deploy, "appliance", cancellation) is { } refused) return refused;
        if (SpecCheck.Alone(spec, _permissions) is { } wrong) return wrong;
        if (await LendsAsync(caller, spec, cancellation) is { } lent) return lent;
        if (!_hosts.Get(spec.HostId).TryGet(out var hypervisor, out var away)) return away;
        if (await hypervisor.DomainAsync(spec.Name, cancellation) is not null) return Problem.Conflict("The name is taken on the host", $"The host has a VM '{spec.Name}' already. Choose another name.");
        var now = _time.GetUtcNow();
        var input = new DeployInput(Guid.CreateVersion7(now), Guid.CreateVersion7(now), spec.HostId, spec.Name, spec.Start ?? true, spec.Plugin) { Capabilities = [.. spec.Capabilities.Distinct(StringComparer.Ordinal)] };
        var wanted = new NewOperation(DeployHandler.DeployKind.Key, $"vm:{input.VmId:D}", spec.Name, input)
        {
            Locks = [new ResourceLock($"vm:{input.VmId:D}", LockMode.Exclusive), new ResourceLock($"vm-name:{spec.HostId:D}/{spec.Name}", LockMode.Exclusive)],
        };
        return await AttendAsync(caller, wanted, (context, stop) => context.StepAsync(DeployHandler.ReceiveStep, "Receiving the package",
            _ => _intake.ReceiveAsync(input, spec, hypervisor, context, ova, length, stop)), cancellation, began);
    }

    /// <summary>For rooms above, which have asked <c>Guard</c> already: takes one of the uploads' places, runs the first steps of an operation while its upload lasts, then queues the rest.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="wanted">The operation.</param>
    /// <param name="receive">Its first steps; the token ends with the upload and with the operation.</param>
    /// <param name="cancellation">Ends the upload; what was made is removed.</param>
    /// <param name="began">Told the operation's id before <paramref name="receive"/>.</param>
    /// <returns>The operation's id; what <paramref name="receive"/> refused, after it was undone.</returns>
    public async Task<Result<Guid>> AttendAsync(
        Caller caller, NewOperation wanted, Func<IOperationContext, CancellationToken, Task> receive, CancellationToken cancellation, Action<Guid>? began = null)
    {
        if (!await _uploads.WaitAsync(TimeSpan.Zero, cancellation)) return Problem.Unavailable("Too many uploads", $"{_options.Uploads} packages are being uploaded. Try again when one of them is done.");
        try { return await RunAsync(caller, wanted, receive, began, cancellation); }
        finally { _uploads.Release(); }
    }

    private async Task<Result<Guid>> RunAsync(Caller caller, NewOperation wanted, Func<IOperationContext, CancellationToken, Task> receive, Action<Guid>? began, CancellationToken cancellation)
    {
        if (!(await _queue.BeginAttendedAsync(caller, wanted, cancellation)).TryGet(out var operation, out var problem)) return problem;
        await using (operation)
        {
            began?.Invoke(operation.Id);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, operation.Cancellation);
            try
            {
                await receive(operation.Context, either.Token);
                await operation.HandOverAsync(CancellationToken.None);
                return operation.Id;
            }
            catch (Exception e) when (AsProblem(e, operation) is { } reason)
            {
                await operation.FailAsync(reason, CancellationToken.None);
                return reason;
            }
        }
    }

    private static Problem? AsProblem(Exception e, AttendedOperation operation) => e switch
    {
        ProblemException refused => refused.Problem,
        _ when DeployNotes.IsFull(e) => DeployNotes.Full,
        OperationCanceledException when operation.Cancellation.IsCancellationRequested => Problem.Conflict("Cancelled", "The upload was cancelled."),
        OperationCanceledException or IOException => Problem.Unavailable("The upload broke off", "The connection ended before the package was whole. Upload it again."),
        _ => null,
    };

    /// <summary>Reads the package once, verifies it, keeps nothing.</summary>
    public async Task<Result<OvaInspection>> InspectAsync(Caller caller, Stream ova, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.Inspect, "appliance", cancellation) is { } refused) return refused;
        try { return await _intake.InspectAsync(ova, cancellation); }
        catch (ProblemException e) { return e.Problem; }
    }

    /// <summary>Says what is in a package by its small members alone (descriptor, manifest, signature, plug-in manifest), sent as a tar of their own; they are verified, the disks are not. For a form that asks before the upload.</summary>
    public async Task<Result<OvaInspection>> InspectHeadAsync(Caller caller, Stream head, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.Inspect, "appliance", cancellation) is { } refused) return refused;
        try { return await _intake.InspectHeadAsync(head, cancellation); }
        catch (ProblemException e) { return e.Problem; }
    }
}
