using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Access;

/// <summary>One's own password and sessions.</summary>
public sealed partial class ProfilePage
{
    private Caller? _caller;
    private IReadOnlyList<Session>? _sessions;
    private Problem? _problem, _wrong;
    private string? _current, _next, _again;
    private bool _busy, _changed;

    [Inject] private Profile Profile { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _caller = await Callers.GetAsync();
        if (RendererInfo.IsInteractive) await ReadAsync();
    }

    private async Task ReadAsync()
    {
        var result = await Profile.SessionsAsync(await Callers.GetAsync(), CancellationToken.None);
        if (result.TryGet(out var sessions, out _problem)) _sessions = sessions;
    }

    private async Task EndAsync(Session session)
    {
        var refused = (await Profile.EndSessionAsync(await Callers.GetAsync(), session.Id, CancellationToken.None)).Problem;
        await ReadAsync();
        _problem ??= refused;
    }

    private async Task EndOthersAsync()
    {
        var refused = (await Profile.EndOtherSessionsAsync(await Callers.GetAsync(), CancellationToken.None)).Problem;
        await ReadAsync();
        _problem ??= refused;
    }

    private async Task ChangePasswordAsync()
    {
        if (_busy) return;
        (_busy, _changed) = (true, false);
        try
        {
            _wrong = _next != _again
                ? Problem.Invalid("again", "The two new passwords differ.", "Type the same one twice.")
                : (await Profile.ChangePasswordAsync(await Callers.GetAsync(), _current, _next, CancellationToken.None)).Problem;
            if (_wrong is not null) return;
            (_current, _next, _again, _changed) = (null, null, null, true);
            await ReadAsync();
        }
        finally { _busy = false; }
    }
}
