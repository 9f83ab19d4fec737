using System.Globalization;
using Microsoft.AspNetCore.Components;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Vms;

/// <summary>Changes a VM; sends only what was changed, and says what waits for the next start.</summary>
public sealed partial class EditVmPage
{
    private Vm? _vm;
    private VmEdited? _edited;
    private Problem? _problem;
    private string? _name, _vcpus, _memory, _tags;
    private bool _autostart, _busy;
    private List<BootDevice> _boot = [];

    [Inject] private VirtualMachines Machines { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>The VM.</summary>
    [Parameter] public Guid Id { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        if (!RendererInfo.IsInteractive) return;
        var result = await Machines.GetAsync(await Callers.GetAsync(), Id, CancellationToken.None);
        if (!result.TryGet(out var vm, out _problem)) return;
        (_vm, _name, _tags, _autostart, _boot) = (vm, vm.Name, string.Join(", ", vm.Tags), vm.Autostart, [.. vm.BootOrder]);
        (_vcpus, _memory) = (vm.Vcpus.ToString(CultureInfo.InvariantCulture), vm.MemoryMiB.ToString(CultureInfo.InvariantCulture));
    }

    private async Task SaveAsync()
    {
        if (_busy || _vm is not { } vm) return;
        var errors = new List<FieldError>();
        var vcpus = VmForm.Whole("vcpus", _vcpus, "2", errors);
        var memory = VmForm.Whole("memoryMiB", _memory, "2048", errors);
        _problem = errors.Count > 0 ? Problem.Invalid(errors) : null;
        if (_problem is not null) return;
        var tags = VmForm.SplitTags(_tags) ?? [];
        var change = new VmChange(
            _name == vm.Name ? null : _name,
            vcpus == vm.Vcpus ? null : (int)Math.Clamp(vcpus, int.MinValue, int.MaxValue),
            memory == vm.MemoryMiB ? null : memory,
            _autostart == vm.Autostart ? null : _autostart,
            _boot.SequenceEqual(vm.BootOrder) ? null : _boot,
            tags.SequenceEqual(vm.Tags) ? null : tags);
        _busy = true;
        try
        {
            var result = await Machines.EditAsync(await Callers.GetAsync(), Id, change, CancellationToken.None);
            if (!result.TryGet(out var edited, out _problem)) return;
            if (edited.AtNextStart.Count == 0) Navigation.NavigateTo($"vms/{Id}");
            else _edited = edited;
        }
        finally { _busy = false; }
    }

    private void Move(int index, int by) => (_boot[index], _boot[index + by]) = (_boot[index + by], _boot[index]);

    private static string Label(string field) => field switch
    {
        "vcpus" => "The number of vCPUs",
        "memoryMiB" => "the memory",
        "bootOrder" => "the boot order",
        "name" => "the name",
        _ => field,
    };
}
