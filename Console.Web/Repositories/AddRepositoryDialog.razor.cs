using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Repositories;

/// <summary>Asks where a repository is, shows a generated key once, and leads to the new repository.</summary>
public sealed partial class AddRepositoryDialog
{
    private static readonly IReadOnlyList<(string, string)> Kinds = [("local", "Folder"), ("s3", "S3 bucket")];
    private ElementReference _dialog;
    private bool _open, _busy, _encrypted, _appendOnly;
    private string? _name, _location, _endpoint, _bucket, _prefix, _region, _accessKey, _secretKey, _key;
    private string? _kind = "local";
    private string _keyId = "";
    private Problem? _problem;
    private AddedRepository? _added;

    [Inject] private RepositoryRegistry Registry { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>Opens it empty.</summary>
    public async Task OpenAsync()
    {
        (_open, _added, _problem, _kind, _encrypted, _appendOnly) = (true, null, null, "local", false, false);
        _name = _location = _endpoint = _bucket = _prefix = _region = _accessKey = _secretKey = _key = null;
        StateHasChanged();
        await Task.Yield(); // let the content render before the dialog takes the focus
        await Script.InvokeVoidAsync("quarterdeck.openDialog", _dialog);
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var local = _kind == "local";
            var request = new AddRepository
            {
                Name = _name, Kind = local ? RepositoryKind.Local : RepositoryKind.S3, Encrypted = _encrypted, AppendOnly = _appendOnly, Key = string.IsNullOrWhiteSpace(_key) ? null : _key,
                Location = local ? _location : null, Endpoint = local ? null : _endpoint, Bucket = local ? null : _bucket, Prefix = local ? null : _prefix,
                Region = local ? null : _region, AccessKey = local ? null : _accessKey, SecretKey = local ? null : _secretKey,
            };
            var caller = await Callers.GetAsync();
            if (!(await Registry.AddAsync(caller, request, CancellationToken.None)).TryGet(out var added, out _problem)) return;
            _added = added;
            if (added.Key is null) await DoneAsync();
            else _keyId = (await Registry.ExportKeyAsync(caller, added.Id, CancellationToken.None)).TryGet(out var exported, out _) ? exported.KeyId : "";
        }
        finally { _busy = false; }
    }

    private async Task DoneAsync() => await CloseAsync();

    private async Task CloseAsync() => await Script.InvokeVoidAsync("quarterdeck.closeDialog", _dialog);

    private void ClosedAsync()
    {
        var added = _added;
        (_open, _added, _secretKey, _key) = (false, null, null, null);
        if (added is not null) Navigation.NavigateTo($"repositories/{added.Id}");
    }
}
