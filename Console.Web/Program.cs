using Quarterdeck.Access;
using Quarterdeck.Web;
using Quarterdeck.Web.Access;

if (AccessCommand.Handles(args)) return await AccessCommandLine.RunAsync(args);

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
