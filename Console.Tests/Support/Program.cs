namespace Quarterdeck.Tests.Support;

/// <summary>The test assembly as a program: tests start it as a child process that they may kill.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args is ["operations-node", .. var rest]) return await Operations.NodeProcess.RunAsync(rest);
        await System.Console.Error.WriteLineAsync("This is a test assembly; run it with dotnet test.");
        return 2;
    }
}
