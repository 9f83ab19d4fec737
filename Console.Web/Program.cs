using Quarterdeck.Access;
using Quarterdeck.Plugins;
using Quarterdeck.Web;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Plugins;

if (AccessCommand.Handles(args)) return await AccessCommandLine.RunAsync(args);
if (PluginCommand.Handles(args)) return await PluginCommandLine.RunAsync(args);

try
{
    await using var app = QuarterdeckApp.Build(args);
    await QuarterdeckApp.RunAsync(app);
    return 0;
}
catch (Exception e) when (StartFailure.Explain(e) is { } reason)
{
    await Console.Error.WriteLineAsync(reason);
    return 1;
}
