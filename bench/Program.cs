using Quarterdeck.Bench;

// Every benchmark of this assembly is offered by its name.
var benchmarks = typeof(IBenchmark).Assembly.GetTypes().Where(type => type.IsClass && type.IsAssignableTo(typeof(IBenchmark)))
    .Select(type => (IBenchmark)Activator.CreateInstance(type)!).OrderBy(benchmark => benchmark.Name, StringComparer.Ordinal).ToList();

// The long form of a benchmark that has one.
if (args is [var first, "--long"])
{
    Environment.SetEnvironmentVariable("QUARTERDECK_BENCH_LONG", "1");
    args = [first];
}
if (args is not [var name] || benchmarks.Find(b => b.Name == name) is not { } chosen)
{
    Console.Error.WriteLine("usage: bench/run.sh NAME [--long]");
    foreach (var benchmark in benchmarks) Console.Error.WriteLine($"  {benchmark.Name,-12} {benchmark.Description}");
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, press) => { press.Cancel = true; stop.Cancel(); };
var figures = await chosen.RunAsync(stop.Token);
foreach (var figure in figures) Console.WriteLine(figure);
return figures.Count > 0 && figures.All(figure => figure.Holds) ? 0 : 1;
