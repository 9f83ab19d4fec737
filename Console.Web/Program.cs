using Quarterdeck.Access;
using Quarterdeck.Web;
using Quarterdeck.Web.Access;

if (AccessCommand.Handles(args)) return await AccessCommandLine.RunAsync(args);

await using var app = QuarterdeckApp.Build(args);
await QuarterdeckApp.RunAsync(app);
return 0;
