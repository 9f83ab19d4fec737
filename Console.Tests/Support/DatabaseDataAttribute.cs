using System.Reflection;
using Quarterdeck.Database;
using Xunit.Sdk;

namespace Quarterdeck.Tests.Support;

/// <summary>Runs a theory once for each engine: <c>[Theory, DatabaseData] public async Task It_works(DatabaseEngine engine)</c>, with the given values after the engine.</summary>
/// <remarks>The test then opens a fresh, migrated database: <c>await using var database = await TestDatabase.CreateAsync(engine);</c></remarks>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class DatabaseDataAttribute(params object[] more) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        [[DatabaseEngine.Sqlite, .. more], [DatabaseEngine.Postgres, .. more]];
}
