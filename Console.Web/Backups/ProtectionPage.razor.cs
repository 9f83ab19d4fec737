using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Verification;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Backups;

/// <summary>What protects each VM. It is joined from VMs, jobs and points, so it is read anew when a point or a job changes.</summary>
public sealed partial class ProtectionPage : LiveComponent
{
    private static readonly IReadOnlyList<(string Value, string Text)> Levels = [.. Enum.GetValues<ProtectionLevel>().Select(l => (Value(l), ProtectionWords.Of(l)))];
    private LiveView<RecoveryPoint> _points = default!;
    private LiveView<BackupJob> _jobs = default!;
    private LiveView<Proof> _proved = default!;
    private PageQuery _query = new();
    private ProtectionLevel? _level;
    private IReadOnlyList<Filter> _filters = [];
    private Result<Shown>? _shown;
    private IReadOnlyDictionary<Guid, Proof> _latest = new Dictionary<Guid, Proof>();
    private bool _manages;

    [Inject] private Protection Protection { get; set; } = default!;
    [Inject] private EventStream<RecoveryPoint> Points { get; set; } = default!;
    [Inject] private EventStream<BackupJob> Jobs { get; set; } = default!;
    [Inject] private EventStream<Proof> Proved { get; set; } = default!;
    [Inject] private Proofs Proofs { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _points = View(Points, ReadAsync<RecoveryPoint>);
        _jobs = View(Jobs, ReadAsync<BackupJob>);
        _proved = View(Proved, ReadAsync<Proof>);
        _manages = (await Callers.GetAsync()).May(BackupsPermissions.ManageJobs);
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        var address = ListUri.Of(Navigation);
        _query = address.ToPageQuery(Protection.Sorts, sort: "level");
        _level = Enum.GetValues<ProtectionLevel>().Where(l => Value(l) == address.Value("level")).Select(l => (ProtectionLevel?)l).FirstOrDefault();
        _filters = [new("level", "Protection", Levels)];
        Reread();
    }

    private Proof? ProofOf(Guid vm) => _latest.GetValueOrDefault(vm);

    private static string Value(ProtectionLevel level) => level.ToString().ToLowerInvariant();

    private void Reread()
    {
        Refresh(_points);
        Refresh(_jobs);
        Refresh(_proved);
    }

    /// <summary>The views only say when; what they show is set here in one step.</summary>
    private async Task<Result<Page<T>>> ReadAsync<T>(Caller caller, CancellationToken cancellation)
    {
        var read = await Protection.ListAsync(caller, _level, _query, cancellation);
        if (read.TryGet(out var found, out _) && (await Proofs.LatestAsync(caller, [.. found.Page.Items.Select(v => v.VmId)], cancellation)).TryGet(out var latest, out _)) _latest = latest;
        _shown = read.Then(r => new Shown(r.Page, Sum(r.Counts)));
        return read.Problem is { } problem ? problem : new Page<T>([], 0, 1, 1);
    }

    private static string Sum(IReadOnlyDictionary<ProtectionLevel, int> counts) =>
        counts.Count == 0 ? "" : string.Join(" · ", counts.OrderBy(c => c.Key).Select(c => $"{Words.Number(c.Value)} {ProtectionWords.Of(c.Key)}"));

    private sealed record Shown(Page<ProtectedVm> Page, string Sum);
}
