using System.Reflection;
using System.Xml.Linq;
using Microsoft.AspNetCore.Components;
using Quarterdeck.Platform;
using Quarterdeck.Tests.House;

namespace Quarterdeck.Tests;

/// <summary>Keeps docs/house.md true: floors, seams, names, sizes. <see cref="HouseRulesCanFail"/> shows that each check can fail.</summary>
public sealed class HouseTests
{
    private static readonly Assembly Services = typeof(ConsoleOptions).Assembly;
    private static readonly Assembly Web = Assembly.Load("Quarterdeck.Web");
    private static readonly Lazy<AssemblyUses> ServicesUses = new(() => AssemblyReader.Read(Services.Location));
    private static readonly Lazy<AssemblyUses> WebUses = new(() => AssemblyReader.Read(Web.Location));

    private static IEnumerable<Reference> All => ServicesUses.Value.References.Concat(WebUses.Value.References);

    [Fact]
    public void An_upper_floor_may_use_a_lower_one_never_back() => None(HouseRules.Floor(All));

    [Fact]
    public void Sub_folders_are_private_to_their_room() => None(HouseRules.PrivateFolders(All));

    [Fact]
    public void Services_know_ASP_NET_only_in_a_few_rooms() => None(HouseRules.AspNet(ServicesUses.Value.References));

    [Fact]
    public void The_component_library_is_used_in_the_web_project_only() => None(HouseRules.Only("Radzen.Blazor", "Quarterdeck.Web", All));

    [Fact]
    public void The_job_engine_is_used_in_operations_only() => None(HouseRules.Only("Quartz", "Quarterdeck.Operations", All));

    [Fact]
    public void Programs_are_started_by_the_process_runner_only() => None(HouseRules.ProcessStart(All));

    [Fact]
    public void Libvirt_is_called_from_one_place_only() => None(HouseRules.Libvirt([.. ServicesUses.Value.Imports, .. WebUses.Value.Imports]));

    [Fact]
    public void Names_say_what_a_type_does() => None(HouseRules.Names(Types(Services, Web).Select(type => type.FullName!)));

    [Fact]
    public void Pages_end_in_Page() => None(HouseRules.Pages(
        Types(Web).Where(typeof(ComponentBase).IsAssignableFrom).Select(type => (type.FullName!, type.GetCustomAttributes<RouteAttribute>().Any()))));

    [Fact]
    public void Public_types_of_the_services_are_documented()
    {
        var documented = XDocument.Load(Path.ChangeExtension(Services.Location, ".xml")).Descendants("member").Select(member => (string)member.Attribute("name")!).ToHashSet();
        None(Types(Services).Where(type => type is { IsPublic: true } or { IsNestedPublic: true }).Select(type => $"T:{type.FullName!.Replace('+', '.')}")
            .Where(name => !documented.Contains(name)).Select(name => $"{name[2..]} has no <summary>: say what it means, its units, its errors."));
    }

    [Fact]
    public void Files_are_short_enough_to_read() => None(Repository.Texts().SelectMany(file => SourceRules.Length(file.Path, file.Text)));

    [Fact]
    public void No_file_names_a_package_host() => None(Repository.Texts().SelectMany(file => SourceRules.PackageHosts(file.Path, file.Text)));

    [Fact]
    public void No_file_names_a_path_of_one_machine() => None(Repository.Texts().SelectMany(file => SourceRules.MachinePaths(file.Path, file.Text)));

    [Fact]
    public void Nothing_is_left_unfinished() => None(Repository.Texts().SelectMany(file => SourceRules.UnfinishedWork(file.Path, file.Text)));

    [Fact]
    public void No_warning_is_silenced() => None(Repository.Texts().SelectMany(file => SourceRules.SilencedWarnings(file.Path, file.Text)));

    [Fact]
    public void Every_project_has_its_lock_file()
    {
        var files = Repository.Files().ToHashSet();
        None(files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)).Select(project => Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json"))
            .Where(expected => !files.Contains(expected)).Select(missing => $"{missing} is missing: dotnet restore makes it; commit it."));
    }

    private static IEnumerable<Type> Types(params Assembly[] assemblies) => assemblies.SelectMany(assembly => assembly.GetTypes())
        .Where(type => type.FullName is { } name && name.StartsWith("Quarterdeck.", StringComparison.Ordinal) && !name.Contains('<', StringComparison.Ordinal));

    private static void None(IEnumerable<string> violations)
    {
        var lines = violations.Distinct().Order(StringComparer.Ordinal).ToList();
        if (lines.Count > 0) Assert.Fail($"{lines.Count} against docs/house.md:\n{string.Join('\n', lines)}");
    }
}
