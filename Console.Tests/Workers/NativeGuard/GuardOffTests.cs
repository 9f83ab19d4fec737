using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Workers.NativeGuard;

namespace Quarterdeck.Tests.Workers.NativeGuard;

/// <summary>The guard changes nothing in a program that is not exactly the expected one, and says why.</summary>
public sealed class GuardOffTests : IDisposable
{
    private static readonly GuardLimits Limits = new(100, 200, 50, 96, 64);
    private static readonly Dictionary<string, Dictionary<string, string>> Good = new() { ["good"] = new() { ["main.js"] = "export default { fetch() { return new Response('good'); } };" } };
    private readonly string _folder = Directory.CreateTempSubdirectory("qd-guard-off-").FullName;

    private static GuardLibrary Library => new(NullLogger<GuardLibrary>.Instance);

    [Fact]
    public void The_guard_knows_the_workerd_that_the_build_restores() =>
        Library.For(GuardedWorkerd.Binary).ShouldSatisfyAllConditions(state => state.Reason.ShouldBeNull(), state => state.IsActive.ShouldBeTrue());

    [Fact]
    public void Another_binary_gets_no_guard_and_is_told_by_its_digest()
    {
        var state = Library.For(Copy());
        state.IsActive.ShouldBeFalse();
        state.Reason.ShouldNotBeNull().ShouldContain("is not one that the guard knows");
        state.Environment("file").ShouldBeEmpty();
    }

    [Fact]
    public void What_is_no_program_gets_no_guard()
    {
        var file = Path.Combine(_folder, "text");
        File.WriteAllText(file, "no program");
        Library.For(file).Reason.ShouldNotBeNull();
        Library.For(Path.Combine(_folder, "missing")).Reason.ShouldNotBeNull().ShouldContain("There is no");
    }

    [Fact]
    public async Task A_binary_that_was_exchanged_after_the_check_runs_unguarded_and_says_so()
    {
        var state = Library.For(GuardedWorkerd.Binary);
        await using var workerd = await GuardedWorkerd.StartAsync(Good, Limits, state, Copy());
        (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
        workerd.View.IsActive.ShouldBeFalse();
        workerd.View.OffReason.ShouldBe("the program is not the workerd that was checked");
        workerd.View.Read().ShouldBeEmpty("nothing may be patched");
    }

    [Fact]
    public async Task A_function_with_other_code_switches_the_guard_off()
    {
        var state = Library.For(GuardedWorkerd.Binary);
        var symbols = state.Binary!.Symbols.ToArray();

        symbols[5] = symbols[7];
        await using var workerd = await GuardedWorkerd.StartAsync(Good, Limits, state with { Binary = state.Binary with { Symbols = symbols } });
        (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
        workerd.View.OffReason.ShouldNotBeNull().ShouldContain("TerminateExecution");
        workerd.View.Read().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_symbol_outside_the_programs_code_switches_the_guard_off()
    {
        var state = Library.For(GuardedWorkerd.Binary);
        var symbols = state.Binary!.Symbols.Select(_ => 1ul << 40).ToArray();
        await using var workerd = await GuardedWorkerd.StartAsync(Good, Limits, state with { Binary = state.Binary with { Symbols = symbols } });
        (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
        workerd.View.OffReason.ShouldNotBeNull().ShouldContain("does not lie in the program's code");
    }

    [Fact]
    public void Both_sides_of_the_shared_file_have_the_same_layout()
    {
        var library = NativeLibrary.Load(Library.For(GuardedWorkerd.Binary).LibraryPath!);
        var native = new ulong[16];
        unsafe
        {
            fixed (ulong* into = native) ((delegate* unmanaged<ulong*, void>)NativeLibrary.GetExport(library, "guard_layout"))(into);
        }
        native.ShouldBe([
            GuardLayout.FileSize, GuardLayout.LimitSize, GuardLayout.SlotSize, GuardLayout.Trusted, GuardLayout.Symbols, GuardLayout.State, GuardLayout.Current, GuardLayout.Beat,
            GuardLayout.Why, GuardLayout.Reason, GuardLayout.Standard, GuardLayout.LimitTable, GuardLayout.SlotTable, GuardLayout.SlotKey, GuardLayout.SlotCounters, GuardLayout.LimitKey,
        ]);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Copy()
    {
        var copy = Path.Combine(_folder, "workerd");
        File.Copy(GuardedWorkerd.Binary, copy);
        File.AppendAllText(copy, "x");
        return copy;
    }
}
