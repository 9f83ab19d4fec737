using Quarterdeck.Web;

await using var app = QuarterdeckApp.Build(args);
await QuarterdeckApp.RunAsync(app);
