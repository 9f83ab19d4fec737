using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Access;

/// <summary>One user: role, state, password, and what was done to it.</summary>
public sealed partial class UserPage
{
    private ConfirmDialog _confirm = default!;
    private User? _user;
    private Problem? _problem;
    private string? _name, _role, _secret;
    private bool _manages, _audits, _self, _busy;
    private IReadOnlyList<Tab> _tabs = [new("overview", "Overview")];

    [Inject] private Users Users { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>The user.</summary>
    [Parameter] public Guid Id { get; set; }

    /// <summary>The chosen tab.</summary>
    [SupplyParameterFromQuery] private string? Tab { get; set; }

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        var caller = await Callers.GetAsync();
        (_manages, _audits, _self) = (caller.May(AccessPermissions.ManageUsers), caller.May(AccessPermissions.ReadAudit), caller.UserId == Id);
        _tabs = [new("overview", "Overview"), .. _audits ? [new Tab("audit", "Audit")] : Array.Empty<Tab>()];
        if (RendererInfo.IsInteractive && _user?.Id != Id) await ReadAsync();
    }

    private async Task ReadAsync() => Show((await Users.GetAsync(await Callers.GetAsync(), Id, CancellationToken.None)));

    private void Show(Result<User> result)
    {
        if (!result.TryGet(out var user, out _problem)) return;
        (_user, _name, _role) = (user, user.Name, user.Role.ToString().ToLowerInvariant());
    }

    private Task SaveAsync() => ChangeAsync(new UserChange(
        _name?.Trim() == _user?.Name ? null : _name?.Trim(), AccessWords.RoleOf(_role) is { } role && role != _user?.Role ? role : null));

    private async Task ToggleAsync()
    {
        if (_user is not { } user) return;
        if (user.Disabled || await _confirm.AskAsync($"Disable {user.Name}?", "Sessions end and API tokens are refused, both at once. Enabling brings the tokens back.", $"Disable {user.Name}", danger: true))
            await ChangeAsync(new UserChange(Disabled: !user.Disabled));
    }

    private async Task ResetAsync()
    {
        if (_user is not { } user) return;
        var text = "A new password is generated and shown once. All sessions of the user end, and a lock after wrong passwords too.";
        if (!await _confirm.AskAsync($"Reset the password of {user.Name}?", text, "Reset password")) return;
        var password = Users.GeneratePassword();
        await ChangeAsync(new UserChange(Password: password));
        if (_problem is null) _secret = password;
    }

    private async Task DeleteAsync()
    {
        if (_user is not { } user) return;
        if (!await _confirm.AskAsync($"Delete user {user.Name}?", "Sessions and API tokens go with it. The audit log keeps the name. This cannot be undone.", $"Delete {user.Name}", danger: true)) return;
        await DoAsync(async caller =>
        {
            _problem = (await Users.DeleteAsync(caller, Id, CancellationToken.None)).Problem;
            if (_problem is null) Navigation.NavigateTo("users");
        });
    }

    private Task ChangeAsync(UserChange change) => DoAsync(async caller =>
    {
        _secret = null;
        Show(await Users.UpdateAsync(caller, Id, change, CancellationToken.None));
    });

    private async Task DoAsync(Func<Caller, Task> action)
    {
        if (_busy) return;
        _busy = true;
        try { await action(await Callers.GetAsync()); }
        finally { _busy = false; }
    }
}
