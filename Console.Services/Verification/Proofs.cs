using System.Net;
using System.Net.Sockets;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Verification.Store;
using Quarterdeck.Verification.Trial;

namespace Quarterdeck.Verification;

/// <summary>Proves recovery points by booting them, and tells what was proved.</summary>
public sealed class Proofs
{
    private const int MostChecks = 16, MostText = 1000;
    private readonly ProofStore _store;
    private readonly RecoveryPoints _points;
    private readonly JobPoints _newest;
    private readonly HostConnections _connections;
    private readonly HostRegistry _hosts;
    private readonly OperationQueue _queue;
    private readonly Guard _guard;

    internal Proofs(ProofStore store, RecoveryPoints points, JobPoints newest, HostConnections connections, HostRegistry hosts, OperationQueue queue, Guard guard) =>
        (_store, _points, _newest, _connections, _hosts, _queue, _guard) = (store, points, newest, connections, hosts, queue, guard);

    /// <summary>Queues <c>recovery-point.prove</c>; answers the operation's id.</summary>
    public async Task<Result<Guid>> StartAsync(Caller caller, NewProof proof, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, VerificationPermissions.Run, $"recovery-point:{proof.RecoveryPointId}", cancellation) is { } refusal) return refusal;
        return (await PrepareAsync(proof, cancellation)).TryGet(out var operation, out var problem) ? await _queue.EnqueueAsync(caller, operation, cancellation) : problem;
    }

    /// <summary>Proofs, newest first.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="vmId">Of this VM; null for all.</param>
    /// <param name="pointId">Of this point; null for all.</param>
    /// <param name="page">Which page; the order is fixed.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Result<Page<Proof>>> ListAsync(Caller caller, Guid? vmId, Guid? pointId, PageQuery page, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, VerificationPermissions.Read, vmId is null ? "proof" : $"vm:{vmId}", cancellation) is { } refusal ? refusal : await _store.PageAsync(vmId, pointId, page, cancellation);

    /// <summary>One proof.</summary>
    public async Task<Result<Proof>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, VerificationPermissions.Read, $"proof:{id}", cancellation) is { } refusal) return refusal;
        return (await _store.LoadAsync([id.ToString("D")], cancellation)) is [var proof] ? proof : Problem.NotFound("proof", id);
    }

    /// <summary>A proof's picture of the screen, PNG.</summary>
    public async Task<Result<byte[]>> ScreenshotAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, VerificationPermissions.Read, $"proof:{id}", cancellation) is { } refusal) return refusal;
        return await _store.ScreenshotAsync(id, cancellation) is { } picture ? picture : Problem.NotFound("screenshot of the proof", id);
    }

    /// <summary>The newest proof of each of some VMs, by VM; those without one are missing.</summary>
    public async Task<Result<IReadOnlyDictionary<Guid, Proof>>> LatestAsync(Caller caller, IReadOnlyList<Guid> vmIds, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, VerificationPermissions.Read, "proof", cancellation) is { } refusal) return refusal;
        return Result<IReadOnlyDictionary<Guid, Proof>>.From((await _store.LatestAsync(vmIds, cancellation)).ToDictionary(p => p.VmId));
    }

    internal Task<RecoveryPoint?> NewestAsync(Guid vmId, CancellationToken cancellation) => _newest.OfVmAsync(vmId, cancellation);

    internal async Task<Result<NewOperation>> PrepareAsync(NewProof proof, CancellationToken cancellation)
    {
        if (await _points.FindAsync(proof.RecoveryPointId, cancellation) is not { } point) return Problem.NotFound("recovery point", proof.RecoveryPointId);
        var checks = proof.Checks ?? (await _store.LatestAsync([point.VmId], cancellation)).FirstOrDefault()?.Checks ?? new ProofChecks();
        if (Faults(checks, "checks") is { Count: > 0 } errors) return Problem.Invalid(errors);
        if (!(await HostAsync(point, cancellation)).TryGet(out var hostId, out var problem)) return problem;
        return new NewOperation(ProofKinds.Prove.Key, $"recovery-point:{point.Id}", point.VmName, new ProofInput(point.Id, proof.RepositoryId ?? point.RepositoryId, point.VmId, point.VmName, hostId, checks))
        {
            Locks = [new($"recovery-point:{point.Id}", LockMode.Shared), new($"repository:{proof.RepositoryId ?? point.RepositoryId}", LockMode.Shared), new($"host-proof:{hostId}", LockMode.Exclusive)],
            Parent = proof.Parent,
        };
    }

    // Where the VM is, or was; else any host of this machine that can run it.
    private async Task<Result<Guid>> HostAsync(RecoveryPoint point, CancellationToken cancellation)
    {
        if ((await _connections.LocateAsync(point.VmId, cancellation)).TryGet(out var vm, out _) && vm.Hypervisor is { SharesFileSystem: true, IsMock: false }) return vm.Vm.HostId;
        if ((await _hosts.ListAsync(Caller.System, new PageQuery(1, PageQuery.MaxSize), cancellation)).TryGet(out var page, out _))
            foreach (var host in page.Items.OrderBy(h => h.Name != point.HostName))
                if (_connections.Get(host.Id).TryGet(out var hypervisor, out _) && hypervisor is { SharesFileSystem: true, IsMock: false }) return host.Id;
        return Problem.Conflict("There is no host to boot it on", "Recovery points boot on hosts of the console's own machine. Connect one, such as qemu:///system.");
    }

    internal static List<FieldError> Faults(ProofChecks checks, string at)
    {
        var errors = new List<FieldError>();
        if (checks.BootSeconds is < 10 or > 3600) errors.Add(new($"{at}.bootSeconds", $"{checks.BootSeconds} is not possible.", "Give 10 to 3600."));
        if (checks.SerialMarker is { } marker && (marker.Length is 0 or > 200)) errors.Add(new($"{at}.serialMarker", "It is empty or too long.", "Give 1 to 200 characters, or leave it out."));
        if (checks.GuestAddress is { } address && !(address.Count(c => c == '.') == 3 && IPAddress.TryParse(address, out var ip) && ip.AddressFamily == AddressFamily.InterNetwork)) errors.Add(new($"{at}.guestAddress", $"'{address}' is no IPv4 address.", "Give the guest's fixed address, such as 192.168.1.20, or leave it out."));
        if (checks.Ports.Count > MostChecks) errors.Add(new($"{at}.ports", $"There are {checks.Ports.Count}.", $"Give at most {MostChecks}."));
        foreach (var (i, port) in checks.Ports.Index())
        {
            if (port.Port is < 1 or > 65535) errors.Add(new($"{at}.ports[{i}].port", $"{port.Port} is no TCP port.", "Give 1 to 65535."));
            if (port.Send?.Length > MostText || port.Expect?.Length > MostText) errors.Add(new($"{at}.ports[{i}]", "What is sent or expected is too long.", $"Give at most {MostText} characters."));
        }
        if (checks.Files.Count > MostChecks) errors.Add(new($"{at}.files", $"There are {checks.Files.Count}.", $"Give at most {MostChecks}."));
        foreach (var (i, file) in checks.Files.Index())
        {
            if (string.IsNullOrEmpty(file.Volume)) errors.Add(new($"{at}.files[{i}].volume", "It is missing.", "Give a volume's id of GET /recovery-points/{id}/volumes."));
            if (file.Path is not { Length: > 1 } || !file.Path.StartsWith('/')) errors.Add(new($"{at}.files[{i}].path", $"'{file.Path}' is no file.", "Give a path from the volume's root, such as /etc/hostname."));
            if (file.Sha256 is { } digest && (digest.Length != 64 || !digest.All(char.IsAsciiHexDigit))) errors.Add(new($"{at}.files[{i}].sha256", "It is no SHA-256.", "Give 64 hexadecimal digits, or leave it out to be told what it is."));
        }
        return errors;
    }
}
