using Quarterdeck.Appliances.Exchange;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances;

/// <summary>Exchanges the appliance inside a VM for a newer package, with a way back until it is kept. For operations of the rooms above, which have asked <c>Guard</c> already and hold the VM's lock.</summary>
/// <remarks>
/// The VM stays the same one: id, name, tags, addresses, backup jobs. Its definition is what is exchanged. Data disks
/// are not written to before the new version is kept: it runs on overlays, and going back throws those away.
/// Steps in order: <c>receive</c> and <c>inspect</c> while the upload lasts, then <c>environment</c>, <c>stop</c>, <c>exchange</c>, <c>start</c>, and
/// after the caller decided to keep it <c>merge</c>, <c>seal</c>, <c>remove</c>. Each is idempotent.
/// </remarks>
public sealed class ApplianceExchange
{
    private readonly ExchangeIntake _intake;
    private readonly ExchangeTrial _trial;
    private readonly ExchangeEnding _ending;

    internal ApplianceExchange(ExchangeIntake intake, ExchangeTrial trial, ExchangeEnding ending) => (_intake, _trial, _ending) = (intake, trial, ending);

    /// <summary>Reads the package into new disks while the VM runs; inside an attended operation.</summary>
    /// <param name="operation">The operation; what is made is noted in it.</param>
    /// <param name="order">What takes which place.</param>
    /// <param name="spec">Name and host are ignored; properties and networks not named are taken over.</param>
    /// <param name="ova">The package; read once.</param>
    /// <param name="length">Its bytes, when known.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="ProblemException">The package is refused, the VM is gone or has snapshots, or its host is away.</exception>
    public Task<ExchangePackage> ReceiveAsync(IOperationContext operation, ExchangeOrder order, ApplianceSpec spec, Stream ova, long? length, CancellationToken cancellation) =>
        _intake.ReceiveAsync(operation, order, spec, ova, length, cancellation);

    /// <summary>The package that was received earlier in this operation.</summary>
    /// <exception cref="ProblemException">The upload was not completed.</exception>
    public Task<ExchangePackage> PackageAsync(IOperationContext operation) => _intake.PackageAsync(operation);

    /// <summary>Writes the new version's environment; the VM still runs the old one.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="order">What takes which place.</param>
    /// <param name="added">Properties that win over the package's own.</param>
    /// <param name="cancellation">Stops.</param>
    public Task WriteEnvironmentAsync(IOperationContext operation, ExchangeOrder order, IReadOnlyDictionary<string, string> added, CancellationToken cancellation) =>
        _trial.WriteEnvironmentAsync(operation, order, added, cancellation);

    /// <summary>Shuts the VM down (the gap begins), lays overlays over the data disks, and defines it anew.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="order">What takes which place.</param>
    /// <param name="between">Called when the VM is off and before it is defined anew; idempotent.</param>
    public Task ExchangeAsync(IOperationContext operation, ExchangeOrder order, Func<CancellationToken, Task> between) => _trial.ExchangeAsync(operation, order, between);

    /// <summary>Powers the new version on (the gap ends).</summary>
    public Task StartAsync(IOperationContext operation, ExchangeOrder order, Func<CancellationToken, Task> before) => _trial.StartAsync(operation, order, before);

    /// <summary>Whether the VM is running; a new version that powers itself off has failed.</summary>
    public Task<bool> RunsAsync(IOperationContext operation, CancellationToken cancellation) => _trial.RunsAsync(operation, cancellation);

    /// <summary>From here there is no way back: what the new version wrote becomes the data disks' content, its environment loses what may not stay, and the old version's disks are removed.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="order">What takes which place.</param>
    /// <param name="stays">What stays of the properties added to the environment.</param>
    public Task KeepAsync(IOperationContext operation, ExchangeOrder order, IReadOnlyDictionary<string, string> stays) => _ending.KeepAsync(operation, order, stays);

    /// <summary>The same after the operation was ended: nothing is asked twice, and steps are not recorded.</summary>
    public Task FinishAsync(IReadOnlyList<Note> notes, ExchangeOrder order, IReadOnlyDictionary<string, string> stays, CancellationToken cancellation) => _ending.FinishAsync(notes, order, stays, cancellation);

    /// <summary>Goes back: the old definition, the data disks as they were, running if it ran; all that was made is removed. Idempotent.</summary>
    public Task GoBackAsync(IOperationContext operation, IReadOnlyList<Note> notes, ExchangeOrder order, CancellationToken cancellation) => _ending.GoBackAsync(operation, notes, order, cancellation);
}
