using System.Diagnostics;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;

namespace Quarterdeck.Tests.Platform;

public sealed class RunningProcessTests
{
    private readonly ProcessRunner _runner = new();

    private static ProcessSpec Shell(string script) => new("/bin/sh", ["-c", script]);

    private static bool Runs(int pid)
    {
        try { return File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1][0] is not ('Z' or 'X'); }
        catch (IOException) { return false; }
    }

    [Fact]
    public async Task A_program_runs_on_until_it_is_stopped_and_takes_its_children_along()
    {
        var lines = new List<string>();
        var told = new TaskCompletionSource<int>();
        await using var process = await _runner.StartAsync(Shell("sleep 300 & echo $! >&2; wait") with { ErrorLine = line => told.TrySetResult(int.Parse(line, System.Globalization.CultureInfo.InvariantCulture)) });
        var child = await told.Task.WaitAsync(TimeSpan.FromSeconds(60));
        (Runs(process.Id), Runs(child), process.Ended.IsCompleted).ShouldBe((true, true, false));
        await process.StopAsync();
        (Runs(process.Id), Runs(child)).ShouldBe((false, false));
        (await process.Ended).ExitCode.ShouldBe(143);
    }

    [Fact]
    public async Task Its_own_end_is_told_with_code_and_last_words()
    {
        await using var process = await _runner.StartAsync(Shell("echo ignored; echo 'no memory' >&2; exit 9"));
        var outcome = await process.Ended.WaitAsync(TimeSpan.FromSeconds(60));
        (outcome.ExitCode, outcome.Error, outcome.Output.Length).ShouldBe((9, "no memory\n", 0));
        process.Exited.IsCompleted.ShouldBeTrue();
    }

    [Fact]
    public async Task One_that_ignores_SIGTERM_is_killed()
    {
        await using var process = await _runner.StartAsync(Shell("trap '' TERM; while :; do sleep 1; done") with { Grace = TimeSpan.FromMilliseconds(200) });
        process.Kill();
        (await process.Ended.WaitAsync(TimeSpan.FromSeconds(60))).ExitCode.ShouldBe(137);
    }

    [Theory, InlineData(true), InlineData(false)] // what setsid has not reached yet looks like this: it runs, and there is no group of its number
    public async Task One_that_has_not_made_its_group_yet_is_ended_as_well(bool killed)
    {
        using var process = Process.Start("/bin/sleep", "300");
        var group = new ProcessGroup(process);
        if (killed) group.Kill();
        else await group.EndAsync(TimeSpan.FromMinutes(5)).WaitAsync(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        process.ExitCode.ShouldBe(killed ? 137 : 143);
    }

    [Fact]
    public async Task Killed_at_any_moment_of_its_start_it_ends()
    {
        for (var n = 0; n < 50; n++)
        {
            await using var process = await _runner.StartAsync(Shell("sleep 300"));
            await Task.Delay(TimeSpan.FromMicroseconds(100 * n));
            process.Kill();
            (await process.Ended.WaitAsync(TimeSpan.FromSeconds(60))).ExitCode.ShouldBe(137);
        }
    }

    [Fact]
    public async Task A_missing_program_is_told_before_anything_is_started() =>
        (await Should.ThrowAsync<ProblemException>(_runner.StartAsync(new ProcessSpec("/nowhere/program", [])))).Problem.Kind.ShouldBe(ProblemKind.Unavailable);
}
