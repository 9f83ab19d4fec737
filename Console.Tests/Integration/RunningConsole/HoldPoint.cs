using System.Diagnostics;

namespace Quarterdeck.Tests.Integration.RunningConsole;

/// <summary>A point of an operation at which the console is made to stand still, so that it can be killed exactly there.</summary>
/// <param name="Kind">Kind of the operation.</param>
/// <param name="Step">Key of the step.</param>
/// <param name="Moment"><c>begin</c>: nothing of the step is done; <c>end</c>: all is done, and nothing of that is stored yet.</param>
/// <param name="Restarts">After how many restarts of the same operation.</param>
internal sealed record HoldPoint(string Kind, string Step, string Moment, int Restarts = 0)
{
    /// <summary>As the setting <c>Quarterdeck:Operations:HoldAt</c> has it.</summary>
    public override string ToString() => $"{Kind}/{Step}@{Moment}{(Restarts == 0 ? "" : $"+{Restarts}")}";

    /// <summary>The next start of the console will stand still here.</summary>
    public void ApplyTo(ConsoleProcess console) => console.Settings["Quarterdeck__Operations__HoldAt"] = ToString();

    /// <summary>Waits until the console stands still here; a request that fails meanwhile fails the test.</summary>
    public async Task ReachedAsync(ConsoleProcess console, Task request, int seconds = 120)
    {
        var clock = Stopwatch.StartNew();
        while (!console.Output.Contains($"Held at {this},", StringComparison.Ordinal))
        {
            if (request.IsFaulted) await request;
            if (clock.Elapsed.TotalSeconds > seconds) Assert.Fail($"{this} was not reached in {seconds} s:\n{console.Output}");
            await Task.Delay(20);
        }
    }
}
