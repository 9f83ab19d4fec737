using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Schedules;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Shared.Fields;

namespace Quarterdeck.Web.Schedules;

/// <summary>Asks what is done with which VM, and when.</summary>
public sealed partial class ScheduleDialog
{
    private const int Suggestions = 20;
    private static readonly DayOfWeek[] WorkingDays = [DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday];
    private ElementReference _dialog;
    private bool _open, _busy, _enabled, _black;
    private string? _name, _action, _vm, _from, _to;
    private Guid? _vmId;
    private RuleForm _rule = new();
    private Schedule? _before;
    private IReadOnlyList<(string Value, string Text)> _actions = [];
    private IReadOnlyList<(Guid Id, string Name)> _found = [];
    private Problem? _problem;

    [Inject] private ScheduleBook Book { get; set; } = default!;
    [Inject] private VirtualMachines Vms { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    private Problem? General => _problem is { Errors.Count: 0 } ? _problem : null;

    /// <summary>Opens it empty, or with a schedule to change.</summary>
    public async Task OpenAsync(Schedule? schedule)
    {
        _actions = [.. Book.Actions(await Callers.GetAsync()).Where(a => a.Allowed && a.Key.StartsWith("vm.", StringComparison.Ordinal)).Select(a => (a.Key, a.Title))];
        (_before, _problem, _open) = (schedule, null, true);
        (_name, _action, _vm, _enabled) = (schedule?.Name, schedule?.Action ?? _actions.FirstOrDefault().Value, schedule?.TargetName, schedule?.Enabled ?? true);
        _vmId = schedule is not null && schedule.Input.TryGetProperty("vmId", out var id) && id.TryGetGuid(out var vm) ? vm : null;
        _rule = schedule is null ? new RuleForm() : RuleForm.Of(schedule.Cron, schedule.TimeZone);
        var window = schedule?.Blackouts.FirstOrDefault();
        (_black, _from, _to) = (window is not null, Text(window?.From ?? new TimeOnly(8, 0)), Text(window?.To ?? new TimeOnly(18, 0)));
        if (_vm is null) await FindAsync("");
        StateHasChanged();
        await Task.Yield(); // let the content render before the dialog takes the focus
        await Script.InvokeVoidAsync("quarterdeck.openDialog", _dialog);
    }

    private static string Text(TimeOnly time) => time.ToString("HH:mm", CultureInfo.InvariantCulture);

    /// <summary>Two VMs may have one name, on two hosts: then the host tells them apart.</summary>
    private async Task FindAsync(string? text)
    {
        _vm = text;
        if (_found.FirstOrDefault(f => f.Name == text) is { Id: var chosen } && chosen != Guid.Empty)
        {
            _vmId = chosen;
            return;
        }
        var page = (await Vms.ListAsync(await Callers.GetAsync(), new VmQuery(), new PageQuery(1, Suggestions, "name", text is { Length: > 0 } ? text : null), CancellationToken.None)).Value;
        _found = [.. page.Items.GroupBy(v => v.Name).SelectMany(same => same.Select(v => (v.Id, Name: same.Count() == 1 ? v.Name : $"{v.Name} ({v.HostName})")))];
        _vmId = _found.FirstOrDefault(f => f.Name == text) is { Id: var found } && found != Guid.Empty ? found : null;
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var caller = await Callers.GetAsync();
            IReadOnlyList<Blackout> blackouts = _black ? [new Blackout(WorkingDays, RuleForm.Time(_from) ?? default, RuleForm.Time(_to) ?? default)] : [];
            var wanted = new NewSchedule(_name, _action, JsonSerializer.SerializeToElement(new { vmId = _vmId }), _rule.Cron, _rule.Zone, blackouts, _enabled);
            var result = _before is null ? await Book.AddAsync(caller, wanted, CancellationToken.None) : await Book.ReplaceAsync(caller, _before.Id, wanted, CancellationToken.None);
            _problem = result.Problem;
            if (_problem is null) await CloseAsync();
        }
        finally { _busy = false; }
    }

    private async Task CloseAsync() => await Script.InvokeVoidAsync("quarterdeck.closeDialog", _dialog);
}
