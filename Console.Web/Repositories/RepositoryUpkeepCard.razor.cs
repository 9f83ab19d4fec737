using Microsoft.AspNetCore.Components;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Schedules;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Shared.Fields;

namespace Quarterdeck.Web.Repositories;

/// <summary>Shows and sets a repository's own schedules.</summary>
public sealed partial class RepositoryUpkeepCard
{
    private RepositoryUpkeepSchedules? _now;
    private IReadOnlyList<Work> _works = [];
    private Problem? _problem;
    private bool _editing, _busy;
    private Guid? _of;

    [Inject] private RepositorySchedules Schedules { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;

    /// <summary>The repository.</summary>
    [Parameter, EditorRequired] public required RepositoryInfo Repository { get; set; }

    /// <summary>Whether the person may change them.</summary>
    [Parameter] public bool Manages { get; set; }

    private Problem? General => _problem is { Errors.Count: 0 } ? _problem : null;

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        if (!RendererInfo.IsInteractive || _of == Repository.Id) return;
        (_of, _editing) = (Repository.Id, false);
        await ReadAsync();
    }

    private async Task ReadAsync()
    {
        if ((await Schedules.GetAsync(await Callers.GetAsync(), Repository.Id, CancellationToken.None)).TryGet(out var now, out _problem)) Show(now);
    }

    private void Show(RepositoryUpkeepSchedules now)
    {
        _now = now;
        _works =
        [
            new("verify", "Verify", "Read and hash everything, to find damage before a restore does", false, now.Verify, new RuleForm { How = "week", At = "03:00" }),
            new("prune", "Remove expired points", "Remove points that have expired; pinned ones and the last good one of a VM stay", true, now.Prune, new RuleForm { How = "day", At = "04:00" }),
            new("collect", "Free unused space", "Free what no recovery point needs any more", true, now.Collect, new RuleForm { How = "day", At = "04:30" }),
        ];
    }

    private void Edit() => (_editing, _problem) = (true, null);

    private Task UsualAsync()
    {
        foreach (var work in _works) work.On = !(work.Removes && Repository.AppendOnly);
        return SaveAsync();
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var saved = await Schedules.SetAsync(await Callers.GetAsync(), Repository.Id, new UpkeepRules(_works[0].Wanted, _works[1].Wanted, _works[2].Wanted), CancellationToken.None);
            if (!saved.TryGet(out var now, out _problem)) return;
            Show(now);
            _editing = false;
        }
        finally { _busy = false; }
    }

    /// <summary>One of the three, as the form has it.</summary>
    private sealed class Work(string key, string title, string text, bool removes, Schedule? schedule, RuleForm usual)
    {
        public string Key => key;
        public string Title => title;
        public string Text => text;
        public bool Removes => removes;
        public Schedule? Schedule => schedule;
        public bool On { get; set; } = schedule is { Enabled: true };
        public RuleForm Rule { get; } = schedule is null ? usual : RuleForm.Of(schedule.Cron, schedule.TimeZone);
        public UpkeepRule? Wanted => On ? new UpkeepRule(Rule.Cron, Rule.Zone) : null;
    }
}
