using System.Diagnostics;
using System.Text;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;

namespace Quarterdeck.Tests.Platform;

public sealed class ProcessRunnerTests : IDisposable
{
    private readonly ProcessRunner _runner = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("qd-run-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static ProcessSpec Shell(string script) => new("/bin/sh", ["-c", script]);

    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(300);

    private async Task<int[]> PidsAsync(string file, int lines)
    {
        var path = Path.Combine(_folder, file);
        for (var until = DateTime.UtcNow.AddSeconds(60); DateTime.UtcNow < until; await Task.Delay(10))
            if (File.Exists(path) && File.ReadAllLines(path) is var all && all.Length >= lines) return [.. all.Select(int.Parse)];
        throw new TimeoutException(path);
    }

    private static bool Runs(int pid)
    {
        try { return File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1][0] is not ('Z' or 'X'); }
        catch (IOException) { return false; }
    }

    [Fact]
    public async Task Arguments_arrive_as_they_are_without_a_shell()
    {
        string[] arguments = ["a b", "$HOME", "'; rm -rf /", "\"", "", "ü\n"];
        var outcome = await _runner.RunAsync(new ProcessSpec("/usr/bin/printf", ["%s|", .. arguments]), default);
        outcome.Text.ShouldBe(string.Concat(arguments.Select(a => a + "|")));
        outcome.Ok.ShouldBeTrue();
    }

    [Fact]
    public async Task The_environment_holds_only_what_is_named()
    {
        Environment.SetEnvironmentVariable("QD_TEST_SECRET", "leaks");
        var outcome = await _runner.RunAsync(new ProcessSpec("/usr/bin/env", []) { Environment = new Dictionary<string, string> { ["LANG"] = "C" } }, default);
        outcome.Text.ShouldBe("LANG=C\n");
    }

    [Fact]
    public async Task Input_output_and_errors_stream_at_once()
    {
        var input = new byte[3 << 20];
        Random.Shared.NextBytes(input);
        var output = new MemoryStream();
        var lines = new List<string>();
        var outcome = await _runner.RunAsync(Shell("echo one >&2; cat; printf 'two\\rthree' >&2") with
        {
            Input = async (to, token) => await to.WriteAsync(input, token),
            Output = (from, token) => from.CopyToAsync(output, token),
            ErrorLine = lines.Add,
        }, default);
        output.ToArray().SequenceEqual(input).ShouldBeTrue();
        outcome.Output.ShouldBeEmpty();
        lines.ShouldBe(["one", "two", "three"]);
        outcome.Error.ShouldBe("one\ntwo\rthree");
    }

    [Fact]
    public async Task A_program_that_ignores_its_input_is_no_error() =>
        (await _runner.RunAsync(new ProcessSpec("/bin/true", []) { Input = async (to, token) => await to.WriteAsync(new byte[1 << 20], token) }, default)).Ok.ShouldBeTrue();

    [Fact]
    public async Task Exit_codes_and_signals_are_told()
    {
        (await _runner.RunAsync(Shell("exit 7"), default)).ExitCode.ShouldBe(7);
        (await _runner.RunAsync(Shell("kill -9 $$"), default)).ExitCode.ShouldBe(137);
        var problem = await Should.ThrowAsync<ProblemException>(_runner.RequireAsync(Shell("echo no such disk >&2; exit 1"), default));
        problem.Problem.Detail.ShouldBe("'/bin/sh' ended with code 1. no such disk");
    }

    [Fact]
    public async Task Too_much_output_ends_the_program()
    {
        var problem = await Should.ThrowAsync<ProblemException>(_runner.RunAsync(new ProcessSpec("/usr/bin/yes", []) { MaxOutputBytes = 100_000 }, default));
        problem.Problem.Kind.ShouldBe(ProblemKind.TooLarge);
    }

    [Fact]
    public async Task Endless_errors_keep_their_end_and_do_not_fill_memory()
    {
        var outcome = await _runner.RunAsync(Shell("i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done"), default);
        outcome.Error.Length.ShouldBeLessThanOrEqualTo(16 << 10);
        outcome.Error.ShouldEndWith("line 19999\n");
    }

    [Fact]
    public async Task A_missing_program_is_named()
    {
        (await Should.ThrowAsync<ProblemException>(_runner.RunAsync(new ProcessSpec("/usr/bin/no-such-thing", []), default))).Problem.Detail.ShouldContain("/usr/bin/no-such-thing");
        (await Should.ThrowAsync<ProblemException>(_runner.RunAsync(new ProcessSpec("/etc/passwd", []), default))).Problem.Detail.ShouldContain("not executable");
        await Should.ThrowAsync<ArgumentException>(_runner.RunAsync(new ProcessSpec("ls", []), default));
    }

    [Fact]
    public async Task Cancelling_ends_a_program_that_obeys_SIGTERM_at_once_and_lets_it_tidy_up()
    {
        using var cancel = new CancellationTokenSource();
        var run = _runner.RunAsync(Shell($"trap 'touch {_folder}/tidy; exit' TERM; echo $$ > {_folder}/pid; while :; do sleep 0.05; done") with { Grace = TimeSpan.FromSeconds(30) }, cancel.Token);
        var pid = (await PidsAsync("pid", 1))[0];
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(run);
        Runs(pid).ShouldBeFalse();
        File.Exists(Path.Combine(_folder, "tidy")).ShouldBeTrue(); // only SIGTERM makes it
    }

    [Fact]
    public async Task A_program_that_ignores_SIGTERM_is_killed_after_the_grace()
    {
        using var cancel = new CancellationTokenSource();
        var run = _runner.RunAsync(Shell($"trap '' TERM; echo $$ > {_folder}/pid; while :; do sleep 0.05; done") with { Grace = Soon }, cancel.Token);
        var pid = (await PidsAsync("pid", 1))[0];
        var watch = Stopwatch.StartNew();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(run);
        watch.Elapsed.ShouldBeGreaterThan(Soon / 2); // a timer and a stopwatch are not the same clock
        Runs(pid).ShouldBeFalse();
    }

    [Fact]
    public async Task Grandchildren_die_with_it_even_those_that_ignore_SIGTERM()
    {
        var script = $"(trap '' TERM; echo $(exec sh -c 'echo $PPID') >> {_folder}/pids; while :; do sleep 0.05; done) & sh -c 'echo $$ >> {_folder}/pids; sleep 60' & echo $$ >> {_folder}/pids; wait";
        using var cancel = new CancellationTokenSource();
        var run = _runner.RunAsync(Shell(script) with { Grace = Soon }, cancel.Token);
        var pids = await PidsAsync("pids", 3);
        pids.ShouldAllBe(p => Runs(p));
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(run);
        pids.ShouldAllBe(p => !Runs(p));
    }

    [Fact]
    public async Task A_program_that_takes_longer_than_it_may_is_ended_and_named()
    {
        var run = _runner.RunAsync(Shell("echo slow >&2; exec sleep 600") with { Timeout = TimeSpan.FromSeconds(1) }, default);
        (await Should.ThrowAsync<TimeoutException>(run)).Message.ShouldStartWith("'/bin/sh' did not end within 00:00:01.");
    }

    [Fact]
    public async Task A_child_left_in_the_background_does_not_outlive_its_program()
    {
        var run = _runner.RunAsync(Shell($"sleep 60 & echo $! > {_folder}/pid; echo done"), default);
        var pid = (await PidsAsync("pid", 1))[0];
        (await run).Text.ShouldBe("done\n"); // although the child holds the output open
        Runs(pid).ShouldBeFalse();
    }

    [Fact]
    public async Task A_program_dies_with_the_console_when_that_is_killed()
    {
        using var console = Process.Start("dotnet", [typeof(ProcessRunnerTests).Assembly.Location, "run-program", "/bin/sh", "-c", $"echo $$ > {_folder}/pid; exec sleep 60"]);
        var pid = (await PidsAsync("pid", 1))[0];
        Runs(pid).ShouldBeTrue();
        console.Kill(); // this process only, SIGKILL: nothing of it can tidy up
        for (var until = DateTime.UtcNow.AddSeconds(60); Runs(pid); await Task.Delay(10)) (DateTime.UtcNow < until).ShouldBeTrue();
    }

    [Fact]
    public async Task A_reader_that_fails_ends_the_program()
    {
        var run = _runner.RunAsync(Shell($"echo $$ > {_folder}/pid; exec yes") with { Output = async (from, token) => { await from.ReadExactlyAsync(new byte[1], token); throw new InvalidDataException(); } }, default);
        await Should.ThrowAsync<InvalidDataException>(run);
        Runs((await PidsAsync("pid", 1))[0]).ShouldBeFalse();
    }

    [Fact]
    public async Task Fifty_at_once_all_end()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => _runner.RunAsync(Shell($"sleep 0.1; echo {i}"), default)));
        outcomes.Select(o => o.Text.Trim()).ShouldBe(Enumerable.Range(0, 50).Select(i => i.ToString()));
        Encoding.UTF8.GetString(outcomes[0].Output).ShouldBe("0\n");
    }
}
