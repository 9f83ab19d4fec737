using Quarterdeck.Platform;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Tests.Workers.Runtime;

public sealed class StartupCheckTests
{
    private static StartupCandidate Candidate(string source, string? health = null, WorkerLimits? limits = null) =>
        new(Guid.NewGuid(), ComputeNode.Code(new WorkerKey(7, 0), source, limits), health);

    [Fact]
    public async Task Good_code_loads_and_answers_its_health_path_away_from_the_shared_shards()
    {
        await using var node = await ComputeNode.StartAsync();
        var check = new StartupCheck(node.Fleet);
        var report = (await check.CheckAsync(Candidate("export default { fetch(r) { return new Response('', { status: new URL(r.url).pathname === '/health' ? 204 : 500 }); } };", "/health"), default)).Value;
        report.Status.ShouldBe(204);
        report.StartupMs.ShouldBeGreaterThan(0);
        (await check.CheckAsync(Candidate("export default {};"), default)).Value.Status.ShouldBeNull();
        node.Servers.List().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("export default { fetch( {", "modules", "SyntaxError")]
    [InlineData("import './missing.js'; export default {};", "modules", "missing.js")]
    [InlineData("throw new Error('not today');", "modules", "not today")]
    [InlineData("for (;;); export default {};", "modules", "did not get through")]
    [InlineData("const keep = []; for (;;) keep.push({ a: [1], b: 'x' + keep.length });", "modules", "did not get through")]
    public async Task Code_that_cannot_start_is_refused_with_the_reason(string source, string field, string reason)
    {
        await using var node = await ComputeNode.StartAsync(o => o.Guard = false);
        var problem = (await new StartupCheck(node.Fleet).CheckAsync(Candidate(source, limits: WorkerLimits.Usual with { MemoryMiB = 32 }), default)).Problem.ShouldNotBeNull();
        problem.Kind.ShouldBe(ProblemKind.Invalid);
        problem.Errors[0].Field.ShouldBe(field);
        problem.Errors[0].Message.ShouldContain(reason);
    }

    [Fact]
    public async Task A_sick_health_path_a_slow_start_and_too_much_code_are_refused_by_their_names()
    {
        await using var node = await ComputeNode.StartAsync(o => o.Guard = false);
        var check = new StartupCheck(node.Fleet);
        async Task<FieldError> Refused(StartupCandidate candidate) => (await check.CheckAsync(candidate, default)).Problem.ShouldNotBeNull().Errors[0];
        var sick = await Refused(Candidate("export default { fetch() { throw new Error('no database'); } };", "/health"));
        (sick.Field, sick.Message.Contains("no database")).ShouldBe(("healthPath", true));
        // Date.now() stands still while modules load, so the work is counted: more than what is allowed on a fast machine, less than what is taken for endless on a slow one.
        (await Refused(Candidate("let x = 0; for (let i = 0; i < 1.3e8; i++) x += i % 7; export default { fetch() { return new Response(String(x)); } };", limits: WorkerLimits.Usual with { StartupMs = 20 }))).Field.ShouldBe("limits.startupMs");
        (await Refused(Candidate($"// {new string('x', 2000)}\nexport default {{}};", limits: WorkerLimits.Usual with { CodeBytes = 1000 }))).Field.ShouldBe("modules");
    }

    [Fact]
    public async Task A_process_serves_more_checks_of_the_worker_whose_code_passed_and_of_no_other()
    {
        await using var node = await ComputeNode.StartAsync();
        var check = new StartupCheck(node.Fleet);
        (await check.CheckAsync(Candidate("export default { fetch() { return new Response('first'); } };"), default)).Problem.ShouldBeNull();
        var (limits, passed) = (WorkerLimits.Usual, node.Fleet.Checks.Take(7, WorkerLimits.Usual, fresh: false));
        passed.Serial.ShouldBe(7);
        node.Fleet.Checks.GiveBack(passed, 7);
        var other = node.Fleet.Checks.Take(8, limits, fresh: false);
        other.Serial.ShouldBeNull();
        node.Fleet.Checks.GiveBack(other, null);
        // The second is refused for what it is, with its own text, and its process is not used again.
        (await check.CheckAsync(Candidate("throw new Error('not today');"), default)).Problem!.Errors[0].Message.ShouldContain("not today");
        var after = node.Fleet.Checks.Take(7, limits, fresh: false);
        after.Serial.ShouldBeNull();
        node.Fleet.Checks.GiveBack(after, null);
    }

    [Fact]
    public async Task What_code_leaves_behind_in_a_check_refuses_no_later_code()
    {
        await using var node = await ComputeNode.StartAsync(o => o.Guard = false);
        var check = new StartupCheck(node.Fleet);
        const string late = "export default { fetch(r, e, ctx) { ctx.waitUntil(new Promise(d => setTimeout(d, 20)).then(() => { for (;;); })); return new Response('fine'); } };";
        (await check.CheckAsync(Candidate(late, "/"), default)).Value.Status.ShouldBe(200);
        for (var i = 0; i < 3; i++) (await check.CheckAsync(Candidate("export default { fetch() { return new Response('good'); } };", "/"), default)).Value.Status.ShouldBe(200);
    }
}
