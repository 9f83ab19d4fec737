using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Schedules;

/// <summary>What a schedule is about.</summary>
/// <param name="Target"><c>kind:id</c>.</param>
/// <param name="Name">The object's name, for lists.</param>
public sealed record ScheduledTarget(string Target, string Name);

/// <summary>Seam for rooms above: something that may be run by a schedule.</summary>
public interface IScheduledAction
{
    /// <summary>Stable name, such as <c>vm.start</c>; stored for ever.</summary>
    string Key { get; }

    /// <summary>For people, such as <c>Start VM</c>.</summary>
    string Title { get; }

    /// <summary>Who may schedule it.</summary>
    Permission Permission { get; }

    /// <summary>Reads the input when a schedule is set: what it will be about.</summary>
    /// <returns>A refusal names the field as <c>input.FIELD</c>.</returns>
    Task<Result<ScheduledTarget>> TargetAsync(Caller caller, JsonElement input, CancellationToken cancellation);

    /// <summary>Says at each run what is to be queued; a refusal is told as the run's problem.</summary>
    Task<Result<NewOperation>> PrepareAsync(Caller caller, JsonElement input, CancellationToken cancellation);
}
