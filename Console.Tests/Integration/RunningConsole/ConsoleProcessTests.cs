using System.Net;

namespace Quarterdeck.Tests.Integration.RunningConsole;

/// <summary>The console as a process: how it starts, ends, and stands beside another.</summary>
[Collection("System libvirt")]
public sealed class ConsoleProcessTests
{
    [Fact]
    public async Task It_ends_within_20_seconds_of_SIGTERM_with_an_operation_running_and_finishes_that_after_the_next_start()
    {
        var name = "qdterm" + Guid.NewGuid().ToString("N")[..6];
        await using var console = new ConsoleProcess();
        try
        {
            var point = new HoldPoint("vm.create", "define", "begin");
            point.ApplyTo(console);
            await console.StartAsync();
            var operation = await console.Rest.AcceptedAsync(HttpMethod.Post, "/vms", new { name, hostId = await console.Rest.LocalHostAsync(), vcpus = 1, memoryMiB = 64, disks = new[] { new { sizeGiB = 1 } } });
            await point.ReachedAsync(console, Task.CompletedTask);

            var (took, code) = await console.TerminateAsync();
            took.TotalSeconds.ShouldBeLessThan(20);
            code.ShouldBe(0, console.Output);

            console.Settings.Clear();
            await console.StartAsync();
            var ended = await console.Rest.SucceededAsync(operation);
            await console.Rest.SucceededAsync(await console.Rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{ended.GetProperty("result").GetProperty("vmId").GetString()}?disks=true"));
            LocalLibvirt.With(name).ShouldBeEmpty();
        }
        finally
        {
            LocalLibvirt.Remove(name);
        }
    }

    [Fact]
    public async Task Two_stand_side_by_side_with_other_ports_and_data()
    {
        await using var one = new ConsoleProcess();
        await using var other = new ConsoleProcess();
        await Task.WhenAll(one.StartAsync(), other.StartAsync());
        (await one.Rest.StatusAsync("/vms")).ShouldBe(HttpStatusCode.OK);
        (await other.Rest.StatusAsync("/vms")).ShouldBe(HttpStatusCode.OK);
        using var stranger = new RestClient(new Uri($"http://127.0.0.1:{one.Port}"), other.Token);
        (await stranger.StatusAsync("/vms")).ShouldBe(HttpStatusCode.Unauthorized, "a token of one console opens the other");
    }

    [Fact]
    public async Task A_wrong_setting_ends_it_at_once_with_a_message_that_names_the_setting()
    {
        await using var console = new ConsoleProcess();
        console.Settings["QUARTERDECK_IMAGE_ROOTS"] = "images";
        console.Launch();
        (await console.EndedAsync()).ShouldNotBe(0);
        console.Output.ShouldContain("QUARTERDECK_IMAGE_ROOTS: 'images' is not an absolute path");
        console.Output.ShouldNotContain("   at ", Case.Sensitive, "a stack trace helps nobody here");
    }

    [Fact]
    public async Task A_taken_port_ends_it_with_a_message_that_names_the_setting()
    {
        await using var one = new ConsoleProcess();
        await one.StartAsync();
        await using var other = new ConsoleProcess();
        other.Settings["QUARTERDECK_URLS"] = $"http://127.0.0.1:{one.Port}";
        other.Launch();
        (await other.EndedAsync()).ShouldNotBe(0);
        other.Output.ShouldContain("QUARTERDECK_URLS");
    }
}
