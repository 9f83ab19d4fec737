using System.Net;
using System.Net.Sockets;
using Quarterdeck.Tests.Support;
using Quarterdeck.Verification;
using Quarterdeck.Verification.Trial;

namespace Quarterdeck.Tests.Verification;

/// <summary>By what a guest is taken to be up, and how long it is waited for; time passes only by waiting.</summary>
public sealed class AwakeningTests
{
    private readonly JumpTime _time = new();

    [Fact]
    public async Task An_agent_that_comes_while_the_ports_are_asked_tells_more_than_a_port()
    {
        using var web = new Answering("220 hello");
        var seen = await WakeAsync(new Guest(_time) { Agent = asked => asked > 1, Forwards = { [25] = web.Port } }, new ProofChecks { Ports = [new PortCheck(25, Expect: "220")] });
        (seen.Evidence, seen.Answers[0]).ShouldBe((ProofEvidence.Agent, "220 hello"));
    }

    [Fact]
    public async Task Without_an_agent_a_port_that_answers_is_evidence()
    {
        using var web = new Answering("220 hello");
        var seen = await WakeAsync(new Guest(_time) { Forwards = { [25] = web.Port } }, new ProofChecks { Ports = [new PortCheck(25)] });
        seen.Evidence.ShouldBe(ProofEvidence.Port);
        seen.Outcomes(new ProofChecks { Ports = [new PortCheck(25)] }).ShouldAllBe(o => o.Passed);
    }

    [Fact]
    public async Task A_screen_counts_when_it_came_to_rest_and_nothing_better_was_asked_for()
    {
        var seen = await WakeAsync(new Guest(_time) { Screen = at => at < 40 ? 1000 + (int)at * 100 : 5000 }, new ProofChecks());
        seen.Evidence.ShouldBe(ProofEvidence.Screen);
        seen.Seconds!.Value.ShouldBeInRange(52, 56);
        seen.Outcomes(new ProofChecks()).ShouldHaveSingleItem().Detail.ShouldContain("Only its screen");
        (await WakeAsync(new Guest(_time) { Screen = _ => 1000 }, new ProofChecks())).Seconds!.Value.ShouldBeInRange(20, 22, "a boot may stand still for a moment");
    }

    [Fact]
    public async Task A_screen_at_rest_stands_in_for_no_port_that_was_asked()
    {
        var checks = new ProofChecks { BootSeconds = 90, Ports = [new PortCheck(80)] };
        var seen = await WakeAsync(new Guest(_time) { Screen = _ => 1000 }, checks);
        seen.Outcomes(checks).Select(o => (o.Passed, o.Detail)).ShouldBe([(false, "Neither its agent nor a port answered within 90 s."), (false, "It sent nothing within 90 s.")]);
    }

    [Fact]
    public async Task Who_asks_for_a_marker_gets_no_proof_by_anything_else()
    {
        using var web = new Answering("220 hello");
        var checks = new ProofChecks { BootSeconds = 30, SerialMarker = "login:", Ports = [new PortCheck(25)] };
        var guest = new Guest(_time) { Agent = _ => true, Forwards = { [25] = web.Port }, Screen = _ => 1000, Serial = "Booting" };
        var seen = await WakeAsync(guest, checks);
        (seen.Evidence, seen.Outcomes(checks)[0].Passed, seen.Outcomes(checks)[1].Passed).ShouldBe((ProofEvidence.None, false, true));
        guest.Serial = "Booting\nlogin: ";
        (await WakeAsync(guest, checks)).Evidence.ShouldBe(ProofEvidence.Serial);
    }

    [Fact]
    public async Task A_guest_that_goes_off_is_not_waited_for_and_that_is_what_is_told()
    {
        var checks = new ProofChecks { BootSeconds = 3600, Ports = [new PortCheck(80)] };
        var seen = await WakeAsync(new Guest(_time) { OffAt = 5 }, checks);
        _time.Passed.ShouldBeLessThan(10);
        seen.Outcomes(checks).ShouldAllBe(o => !o.Passed && o.Detail.Contains("before the guest went off, which was after 5 s", StringComparison.Ordinal));
    }

    private Task<Awakened> WakeAsync(Guest guest, ProofChecks checks) => new Awakening(guest, checks, _time).WaitAsync(_ => { }, CancellationToken.None);

    private sealed class Guest(JumpTime time) : ITrialGuest
    {
        private readonly double _begun = time.Passed;
        private int _asked;

        public Func<int, bool> Agent { get; init; } = _ => false;
        public Func<double, int>? Screen { get; init; }
        public Dictionary<int, int> Forwards { get; } = [];
        public string Serial { get; set; } = "";
        public double OffAt { get; init; } = double.MaxValue;

        public Task<bool> RunsAsync(CancellationToken cancellation) => Task.FromResult(time.Passed - _begun < OffAt);
        public Task<bool> AgentAnswersAsync(CancellationToken cancellation) => Task.FromResult(Agent(++_asked));
        public Task<string> SerialAsync(CancellationToken cancellation) => Task.FromResult(Serial);
        public Task<IReadOnlyDictionary<int, int>> PortsAsync(CancellationToken cancellation) => Task.FromResult<IReadOnlyDictionary<int, int>>(Forwards);
        public Task<byte[]?> ScreenAsync(CancellationToken cancellation) => Task.FromResult(Screen is null ? null : new byte[Screen(time.Passed - _begun)]);
    }

    /// <summary>A service on loopback that greets whoever comes.</summary>
    private sealed class Answering : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public Answering(string greeting)
        {
            _listener.Start();
            _ = Task.Run(async () =>
            {
                try
                {
                    while (true)
                    {
                        using var client = await _listener.AcceptSocketAsync();
                        await client.SendAsync(System.Text.Encoding.ASCII.GetBytes(greeting));
                    }
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException) { /* the test has ended */ }
            });
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Dispose();
    }
}
