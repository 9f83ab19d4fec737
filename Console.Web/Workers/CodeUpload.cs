using System.Text.Json;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Makes an upload of edited code: everything else stays as in the version that it began from.</summary>
internal static class CodeUpload
{
    /// <summary>The upload.</summary>
    /// <param name="draft">The code.</param>
    /// <param name="bindings">Bindings of a starter; for new code only.</param>
    /// <param name="triggers">Triggers of a starter; for new code only.</param>
    /// <param name="message">A word about the version.</param>
    /// <param name="store">Static files of the version before.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<WorkerUpload> MakeAsync(
        CodeDraft draft, IReadOnlyDictionary<string, JsonElement>? bindings, WorkerTriggers? triggers, string? message, WorkerCodeStore store, CancellationToken cancellation)
    {
        List<UploadedFile> files = [.. draft.Files.Select(f => new UploadedFile(f.Name, f.Content))];
        var metadata = new WorkerMetadata { MainModule = draft.Main, Message = string.IsNullOrWhiteSpace(message) ? null : message.Trim(), Bindings = bindings, Triggers = triggers };
        if (draft.From is not { } from) return new WorkerUpload(metadata, files);
        if (from.Assets is { } assets)
            foreach (var file in assets.Files.Values)
                if (await store.LoadAssetAsync(file.Digest, cancellation) is { } content) files.Add(new UploadedFile("assets" + file.Path, content));
        var limits = from.Limits;
        return new WorkerUpload(metadata with
        {
            CompatibilityDate = from.CompatibilityDate, CompatibilityFlags = from.CompatibilityFlags, Triggers = from.Triggers, Egress = from.Egress, HealthPath = from.HealthPath,
            Bindings = from.Bindings.Where(b => b.Kind is not BindingKind.Assets).ToDictionary(b => b.Name, BindingDraft.Kept),
            Assets = from.Assets is null ? null : new AssetSettings(from.Assets.NotFound, from.Assets.WorkerFirst, from.Bindings.FirstOrDefault(b => b.Kind is BindingKind.Assets)?.Name),
            Limits = new WantedLimits(
                limits.CpuMs, limits.CpuPercent, limits.MemoryMiB, limits.BuffersMiB, limits.WallMs, limits.ConcurrentSubrequests, limits.Subrequests,
                limits.RequestBytes, limits.ResponseBytes, limits.CodeBytes, limits.StartupMs),
        }, files);
    }
}
