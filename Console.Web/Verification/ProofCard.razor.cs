using System.Globalization;
using Microsoft.AspNetCore.Components;
using Quarterdeck.Backups;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Verification;
using Quarterdeck.Web.Live;

namespace Quarterdeck.Web.Verification;

/// <summary>The newest proof of a VM, or of one of its points, live.</summary>
public sealed partial class ProofCard : LiveComponent
{
    private const int Shown = 6;
    private LiveView<Proof> _proofs = default!;
    private Problem? _problem;
    private (Guid Vm, Guid? Point)? _of;
    private Guid? _pictureOf;
    private string? _picture, _seconds = "300", _ports, _marker, _files;
    private bool _busy, _may;

    [Inject] private Proofs Proofs { get; set; } = default!;
    [Inject] private EventStream<Proof> Stream { get; set; } = default!;

    /// <summary>The VM.</summary>
    [Parameter, EditorRequired] public Guid VmId { get; set; }

    /// <summary>Only of this point; null for all of the VM.</summary>
    [Parameter] public Guid? PointId { get; set; }

    /// <summary>The point that would be proved; null when there is none.</summary>
    [Parameter, EditorRequired] public RecoveryPoint? Target { get; set; }

    /// <summary>An operation was queued.</summary>
    [Parameter] public EventCallback<Guid> Started { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _proofs = View(Stream, async (caller, cancellation) =>
        {
            var found = await Proofs.ListAsync(caller, VmId, PointId, new PageQuery(1, Shown), cancellation);
            if (found.TryGet(out var page, out _) && page.Items is [{ HasScreenshot: true } proof, ..] && proof.Id != _pictureOf && (await Proofs.ScreenshotAsync(caller, proof.Id, cancellation)).TryGet(out var picture, out _))
                (_pictureOf, _picture) = (proof.Id, Convert.ToBase64String(picture));
            return found;
        }, p => p.VmId == VmId && (PointId is null || p.RecoveryPointId == PointId));
        _may = (await Callers.GetAsync()).May(VerificationPermissions.Run);
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (_of == (VmId, PointId)) return;
        _of = (VmId, PointId);
        Refresh(_proofs);
    }

    private async Task ProveAsync()
    {
        if (_busy || Target is not { } point) return;
        if (!Checks().TryGet(out var checks, out _problem)) return;
        _busy = true;
        try
        {
            if ((await Proofs.StartAsync(await Callers.GetAsync(), new NewProof(point.Id, checks, point.RepositoryId), CancellationToken.None)).TryGet(out var operation, out _problem)) await Started.InvokeAsync(operation);
            // Fields of a list are told at the field that holds the list.
            else if (_problem.Errors.Count > 0) _problem = Problem.Invalid([.. _problem.Errors.Select(e => e with { Field = e.Field.Split('[')[0] })]);
        }
        finally { _busy = false; }
    }

    private Result<ProofChecks> Checks()
    {
        if (!int.TryParse(_seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return Problem.Invalid("checks.bootSeconds", $"'{_seconds}' is no number.", "Give 10 to 3600.");
        var ports = new List<PortCheck>();
        foreach (var text in (_ports ?? "").Split([',', ' '], StringSplitOptions.RemoveEmptyEntries))
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port)) ports.Add(new PortCheck(port));
            else return Problem.Invalid("checks.ports", $"'{text}' is no TCP port.", "Give numbers from 1 to 65535, such as 22, 80.");
        var files = new List<FileCheck>();
        foreach (var line in (_files ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var space = line.IndexOf(' ');
            if (space < 0) return Problem.Invalid("checks.files", $"'{line}' has no path.", "Give a volume, a path and a SHA-256, such as vda1 /etc/hostname 9f86….");
            var rest = line[(space + 1)..].Trim();
            var digest = rest.LastIndexOf(' ') is var at and > 0 && rest.Length - at - 1 == 64 ? rest[(at + 1)..] : null;
            files.Add(new FileCheck(line[..space], digest is null ? rest : rest[..^65].Trim(), digest));
        }
        return new ProofChecks { BootSeconds = seconds, Ports = ports, Files = files, SerialMarker = string.IsNullOrWhiteSpace(_marker) ? null : _marker };
    }
}
