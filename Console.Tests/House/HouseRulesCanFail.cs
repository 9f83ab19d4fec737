using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Quarterdeck.Tests.House;

/// <summary>Feeds each rule something bad, and the assembly reader code that hides its uses well.</summary>
public sealed partial class HouseRulesCanFail
{
    private static Reference Use(string from, string to, string? member = null) => new(from, to, "Quarterdeck.Services", member);

    [Theory]
    [InlineData("Quarterdeck.Platform.Undo", "Quarterdeck.Hosts.Host", "is below")]
    [InlineData("Quarterdeck.Hosts.Host", "Quarterdeck.Repositories.Repository", "on one floor")]
    [InlineData("Quarterdeck.Attic.Box", "Quarterdeck.Platform.Undo", "has no floor")]
    [InlineData("Quarterdeck.Hosts.Libvirt.Domain", "Quarterdeck.Web.Layout.Menu", "is below")]
    public void A_use_against_the_floors_is_found(string from, string to, string why) => HouseRules.Floor([Use(from, to)]).ShouldHaveSingleItem().ShouldContain(why);

    [Theory]
    [InlineData("Quarterdeck.Hosts.Host", "Quarterdeck.Platform.Undo")]
    [InlineData("Quarterdeck.Hosts.Host", "Quarterdeck.Hosts.Libvirt.Domain")]
    [InlineData("Quarterdeck.Hosts.Host", "System.String")]
    public void A_use_downwards_or_inside_is_allowed(string from, string to) => HouseRules.Floor([Use(from, to)]).ShouldBeEmpty();

    [Fact]
    public void A_look_into_another_rooms_folder_is_found()
    {
        HouseRules.PrivateFolders([Use("Quarterdeck.Web.Hosts.HostsPage", "Quarterdeck.Hosts.Libvirt.Domain")]).ShouldHaveSingleItem().ShouldContain("private to the room Hosts");
        HouseRules.PrivateFolders([Use("Quarterdeck.Hosts.Host", "Quarterdeck.Platform.Processes.ProcessRunner"), Use("Quarterdeck.Hosts.Host", "Quarterdeck.Hosts.Libvirt.Domain")]).ShouldBeEmpty();
    }

    [Fact]
    public void ASP_NET_outside_its_rooms_is_found()
    {
        HouseRules.AspNet([Use("Quarterdeck.Hosts.Host", "Microsoft.AspNetCore.Http.HttpContext")]).ShouldHaveSingleItem();
        HouseRules.AspNet([Use("Quarterdeck.Access.Users", "Microsoft.AspNetCore.Identity.IdentityUser"), Use("Quarterdeck.Workers.Front.Door", "Microsoft.AspNetCore.Http.HttpContext")]).ShouldBeEmpty();
        HouseRules.AspNet([Use("Quarterdeck.AccessPoints.Radio", "Microsoft.AspNetCore.Http.HttpContext")]).ShouldHaveSingleItem("a room whose name begins like an allowed one is another room");
    }

    [Fact]
    public void A_library_outside_its_place_is_found()
    {
        HouseRules.Only("Quartz", "Quarterdeck.Operations", [new("Quarterdeck.Hosts.Host", "Quartz.IJob", "Quartz")]).ShouldHaveSingleItem();
        HouseRules.Only("Quartz", "Quarterdeck.Operations", [new("Quarterdeck.Hosts.Host", "Quartz.Store", "Quartz.Extras")]).ShouldHaveSingleItem();
        HouseRules.Only("Quartz", "Quarterdeck.Operations", [new("Quarterdeck.Operations.Engine.Job", "Quartz.IJob", "Quartz")]).ShouldBeEmpty();
    }

    [Fact]
    public void A_native_import_of_libvirt_elsewhere_is_found()
    {
        HouseRules.Libvirt([new("Quarterdeck.Hosts.Host", "libvirt.so.0", "virConnectOpen")]).ShouldHaveSingleItem();
        HouseRules.Libvirt([new("Quarterdeck.Hosts.Libvirt.Native", "libvirt.so.0", "virConnectOpen"), new("Quarterdeck.Platform.Interop.Libc", "libc", "kill")]).ShouldBeEmpty();
    }

    [Fact]
    public void Empty_names_and_misnamed_pages_are_found()
    {
        HouseRules.Names(["Quarterdeck.Hosts.HostManager", "Quarterdeck.Hosts.StringUtils", "Quarterdeck.Hosts.Host"]).Count().ShouldBe(2);
        HouseRules.Pages([("Quarterdeck.Web.Hosts.HostList", true), ("Quarterdeck.Web.Hosts.HostPage", false), ("Quarterdeck.Web.Hosts.HostsPage", true)]).Count().ShouldBe(2);
    }

    [Fact]
    public void The_text_rules_find_what_they_look_for()
    {
        SourceRules.Length("a.cs", string.Join('\n', Enumerable.Repeat("x", 301))).ShouldHaveSingleItem().ShouldContain("301 lines");
        SourceRules.Length("a.cs", string.Join('\n', Enumerable.Repeat("x", 300)) + "\n").ShouldBeEmpty();
        SourceRules.Length("a.razor", string.Join('\n', Enumerable.Repeat("x", 251))).ShouldHaveSingleItem();
        SourceRules.PackageHosts("package-lock.json", "\"resolved\": \"https:" + "//registry.npm" + "js.org/x.tgz\"").ShouldHaveSingleItem();
        SourceRules.MachinePaths("a.sh", "cd /ho" + "me/anna/src").ShouldHaveSingleItem();
        SourceRules.MachinePaths("a.cs", "Map(\"/homepage\"); x = \"var/ro" + "ot/y\"").ShouldBeEmpty();
        SourceRules.UnfinishedWork("a.cs", "throw new Not" + "ImplementedException();").ShouldHaveSingleItem();
        SourceRules.UnfinishedWork("a.cs", "// TO" + "DO later").ShouldHaveSingleItem();
        SourceRules.SilencedWarnings("a.cs", "#prag" + "ma warning disable CS0618").ShouldHaveSingleItem();
        SourceRules.SilencedWarnings("a.csproj", "<No" + "Warn>$(NoWarn);CS0618</NoWarn>").ShouldHaveSingleItem();
    }

    /// <summary>Nested and generated types count as the type that they are written in.</summary>
    private static readonly string Here = typeof(HouseRulesCanFail).FullName!;

    private static readonly Lazy<AssemblyUses> Own = new(() => AssemblyReader.Read(typeof(HouseRulesCanFail).Assembly.Location));

    [Fact]
    public void The_reader_sees_into_asynchronous_lambdas_and_generic_arguments()
    {
        HouseRules.ProcessStart(Own.Value.References).ShouldContain(line => line.StartsWith(Here, StringComparison.Ordinal));
        Own.Value.References.ShouldContain(new Reference(Here, "System.Net.IPAddress", "System.Net.Primitives"));
        Own.Value.References.ShouldContain(use => use.From == Here && use.To == "System.Collections.Concurrent.ConcurrentBag`1");
    }

    [Fact]
    public void The_reader_sees_generated_native_imports() =>
        Own.Value.Imports.ShouldContain(import => import.Type == Here && import.Library == "libc" && import.Function == "getpid");

    /// <summary>Uses types only inside nested generated code and as type arguments.</summary>
    internal static class HidesItsUses
    {
        internal static Func<Task> Start() => async () => { await Task.Yield(); Process.Start("true").Dispose(); };

        internal static object Keep() => new List<Func<System.Collections.Concurrent.ConcurrentBag<int>, System.Net.IPAddress?>>();
    }

    internal static partial class ImportsNatively
    {
        [LibraryImport("libc", EntryPoint = "getpid")]
        internal static partial int ProcessId();
    }
}
