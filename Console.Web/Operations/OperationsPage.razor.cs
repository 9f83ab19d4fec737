using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Operations;

/// <summary>All operations, live: paged, filtered, sorted and searched in SQL.</summary>
public sealed partial class OperationsPage : LiveComponent
{
    private LiveView<OperationInfo> _operations = default!;
    private ConfirmDialog _confirm = default!;
    private PageQuery _query = new();
    private OperationQuery _filter = new();
    private IReadOnlyList<Filter> _filters = [];
    private IReadOnlyDictionary<string, Permission> _permissions = new Dictionary<string, Permission>();
    private Problem? _problem, _filterProblem;
    private Caller? _caller;

    [Inject] private OperationReader Reader { get; set; } = default!;
    [Inject] private OperationQueue Queue { get; set; } = default!;
    [Inject] private EventStream<OperationInfo> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _permissions = Reader.Kinds.ToDictionary(k => k.Key, k => k.Permission);
        _operations = View(Stream, (caller, cancellation) => Reader.ListAsync(caller, _filter, _query, cancellation), Concerns, Moves);
        _caller = await Callers.GetAsync();
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        var address = ListUri.Of(Navigation);
        _query = address.ToPageQuery(OperationReader.Sorts, sort: "-createdAt");
        if (OperationEndpoints.Filters(address.Value("state"), address.Value("kind"), address.Value("target"), address.Value("parent")).TryGet(out var filter, out _filterProblem)) _filter = filter;
        _filters =
        [
            new("state", "State", With(address.Value("state"), [.. Enum.GetNames<OperationState>().Select(n => n.ToLowerInvariant()).Select(n => (n, n)), ("queued,running", "not ended"), ("failed,lost,warning", "not well")])),
            new("kind", "Kind", With(address.Value("kind"), [.. Reader.Kinds.Select(k => (k.Key, k.Title))])),
            new("target", "Target", With(address.Value("target"), OperationTargets.Options)),
        ];
        Refresh(_operations);
    }

    /// <summary>A value that a link brought, such as one object, is a choice of its own.</summary>
    private static IReadOnlyList<(string Value, string Text)> With(string? value, IReadOnlyList<(string Value, string Text)> options) =>
        value is null || options.Any(o => o.Value == value) ? options : [.. options, (value, value.Length > 24 ? value[..22] + "…" : value)];

    private bool May(OperationInfo operation) => _permissions.TryGetValue(operation.Kind, out var permission) && _caller?.May(permission) == true;

    /// <summary>Whether a changed operation could belong to what is shown; the search is left to SQL.</summary>
    private bool Concerns(OperationInfo operation) =>
        (_filter.States.Count == 0 || _filter.States.Contains(operation.State))
        && (_filter.Kind is null || operation.Kind == _filter.Kind)
        && (_filter.Target is null || operation.Target == _filter.Target || operation.Target.StartsWith(_filter.Target + ":", StringComparison.Ordinal));

    private bool Moves(OperationInfo before, OperationInfo after) => _query.Sort?.TrimStart('-') switch
    {
        "state" => before.State != after.State,
        "startedAt" => before.StartedAt != after.StartedAt,
        "endedAt" => before.EndedAt != after.EndedAt,
        _ => false,
    };

    private async Task CancelAsync(OperationInfo operation)
    {
        if (!await _confirm.AskAsync($"Cancel '{operation.Title}' of {operation.TargetName}?", "What it has made so far is removed.", "Cancel the operation", danger: true)) return;
        _problem = (await Queue.CancelAsync(await Callers.GetAsync(), operation.Id, CancellationToken.None)).Problem;
    }

    private async Task RetryAsync(OperationInfo operation) =>
        _problem = (await Queue.RetryAsync(await Callers.GetAsync(), operation.Id, CancellationToken.None)).Problem;
}
