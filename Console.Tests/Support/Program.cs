namespace Quarterdeck.Tests.Support;

/// <summary>The test assembly as a program: tests start it as a child process that they may kill.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args is ["operations-node", .. var rest]) return await Operations.NodeProcess.RunAsync(rest);
        if (args is ["run-program", var program, .. var arguments]) return (await new Quarterdeck.Platform.Processes.ProcessRunner().RunAsync(new(program, arguments), default)).ExitCode;
        if (args is ["repository-work", var repository, var seed]) return await Repositories.KilledSessionTests.WorkAsync(repository, int.Parse(seed));
        if (args is ["write-pairs", var folder, var connection]) return await Integration.Database.KilledWriterTests.WriteAsync(folder, connection);
        await System.Console.Error.WriteLineAsync("This is a test assembly; run it with dotnet test.");
        return 2;
    }
}
