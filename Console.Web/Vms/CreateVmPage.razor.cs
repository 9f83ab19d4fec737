using Microsoft.AspNetCore.Components;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Hosts;

namespace Quarterdeck.Web.Vms;

/// <summary>Asks for what a VM needs, queues its creation, and leads to the operation.</summary>
public sealed partial class CreateVmPage
{
    private readonly VmForm _form = new();
    private IReadOnlyList<HostInfo>? _hosts;
    private IReadOnlyList<string> _networks = ["user"];
    private Problem? _problem;
    private bool _files, _busy;

    [Inject] private VirtualMachines Machines { get; set; } = default!;
    [Inject] private HostRegistry Hosts { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private ConsoleOptions Options { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    private string Roots => $"A file inside {string.Join(" or ", Options.ImageRoots)}; it is used in place.";

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        if (!RendererInfo.IsInteractive) return;
        var caller = await Callers.GetAsync();
        _files = caller.May(HostsPermissions.UseHostFiles);
        var hosts = await Hosts.ListAsync(caller, new PageQuery(1, PageQuery.MaxSize, "name"), CancellationToken.None);
        if (!hosts.TryGet(out var page, out _problem)) return;
        _hosts = page.Items;
        await ChooseHostAsync(HostWords.Likely(page.Items)?.Id.ToString());
    }

    private async Task ChooseHostAsync(string? id)
    {
        _form.HostId = id;
        _networks = ["user"];
        if (!Guid.TryParse(id, out var host)) return;
        var networks = await Hosts.NetworksAsync(await Callers.GetAsync(), host, CancellationToken.None);
        if (networks.TryGet(out var all, out _)) // a host that is away has none to suggest; creating says so
            _networks = [.. all.Select(n => n.Name), .. all.Where(n => n.Bridge is not null && n.Mode == "bridge").Select(n => $"bridge:{n.Bridge}"), "user"];
    }

    private async Task CreateAsync()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            if (!_form.Read().TryGet(out var vm, out _problem)) return;
            var result = await Machines.CreateAsync(await Callers.GetAsync(), vm, CancellationToken.None);
            if (result.TryGet(out var operation, out _problem)) Navigation.NavigateTo($"operations/{operation}");
        }
        finally { _busy = false; }
    }
}
