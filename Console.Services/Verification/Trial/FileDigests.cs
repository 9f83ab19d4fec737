using System.Security.Cryptography;
using Quarterdeck.Access;
using Quarterdeck.Restores;

namespace Quarterdeck.Verification.Trial;

/// <summary>Digests of a recovery point's files, read out of the point itself.</summary>
internal sealed class FileDigests(PointFiles files)
{
    /// <summary>Whether a file has its digest; what was asked without one is only told.</summary>
    public async Task<CheckOutcome> CheckAsync(ProofInput input, FileCheck check, CancellationToken cancellation)
    {
        var name = $"File {check.Path} on {check.Volume}";
        if (!(await files.DownloadAsync(Caller.System, new FolderQuery(input.RecoveryPointId, check.Volume, check.Path, input.RepositoryId), cancellation)).TryGet(out var download, out var problem))
            return new CheckOutcome(name, false, problem.Detail);
        if (download.Length is null) return new CheckOutcome(name, false, "It is a folder.");
        using var hash = SHA256.Create();
        await using (var into = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write)) await download.SendAsync(into, cancellation);
        var digest = Convert.ToHexStringLower(hash.Hash!);
        return check.Sha256 is null || digest.Equals(check.Sha256, StringComparison.OrdinalIgnoreCase)
            ? new CheckOutcome(name, true, $"SHA-256 {digest}") : new CheckOutcome(name, false, $"It has the SHA-256 {digest}, not {check.Sha256}.");
    }
}
