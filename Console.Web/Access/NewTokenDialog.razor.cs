using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Access;

/// <summary>Asks what a token is for and may do, and shows it once.</summary>
public sealed partial class NewTokenDialog
{
    private static readonly IReadOnlyList<(string Value, string Text)> Lives = [("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), ("", "never")];
    private readonly HashSet<string> _scopes = [];
    private ElementReference _dialog;
    private bool _open, _busy, _narrow;
    private string? _name, _role, _life;
    private IReadOnlyList<(string Value, string Text)> _roles = [];
    private IReadOnlyList<RoomPermissions> _rooms = [];
    private Problem? _problem;
    private IssuedToken? _issued;

    [Inject] private ApiTokens Tokens { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private TimeProvider Time { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>Called after a token was made.</summary>
    [Parameter] public EventCallback Created { get; set; }

    /// <summary>What no field of the form shows by itself.</summary>
    private Problem? General => _problem is null || _problem.Errors.Any(e => !e.Field.StartsWith("scopes", StringComparison.Ordinal)) ? null : _problem;

    /// <summary>Opens it empty.</summary>
    public async Task OpenAsync()
    {
        var caller = await Callers.GetAsync();
        _roles = [.. AccessWords.Roles.Where(r => AccessWords.RoleOf(r.Value) <= caller.Role)];
        _rooms = Tokens.Grantable(caller);
        _scopes.Clear();
        (_open, _name, _role, _life, _narrow, _problem, _issued) = (true, null, "viewer", "90", false, null, null);
        StateHasChanged();
        await Task.Yield(); // let the content render before the dialog takes the focus
        await Script.InvokeVoidAsync("quarterdeck.openDialog", _dialog);
    }

    private void Choose(string key, bool wanted)
    {
        if (wanted) _scopes.Add(key);
        else _scopes.Remove(key);
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var role = AccessWords.RoleOf(_role);
            string[]? scopes = _narrow ? [.. _rooms.SelectMany(r => r.Permissions).Where(p => _scopes.Contains(p.Key) && role >= p.Minimum).Select(p => p.Key)] : null;
            DateTimeOffset? end = int.TryParse(_life, out var days) ? Time.GetUtcNow().AddDays(days) : null;
            var result = await Tokens.CreateAsync(await Callers.GetAsync(), new NewApiToken(_name, role, scopes, end), CancellationToken.None);
            if (!result.TryGet(out var issued, out _problem)) return;
            await Created.InvokeAsync();
            _issued = issued;
        }
        finally { _busy = false; }
    }

    private async Task CloseAsync() => await Script.InvokeVoidAsync("quarterdeck.closeDialog", _dialog);
}
