using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Tests.Support;
using Quarterdeck.Web.Live;

namespace Quarterdeck.Tests.Web.Live;

public sealed class LiveStatusTests
{
    [Fact]
    public async Task Pages_are_told_that_the_database_is_away_and_why()
    {
        using var bus = new EventBus(TestDatabase.OptionsFor("/nonexistent", null), TimeProvider.System, NullLogger<EventBus>.Instance);
        await using var db = Db.For(TestDatabase.OptionsFor("/nonexistent", "Host=/nonexistent;Database=x;Username=x"));
        using var health = new DatabaseHealth(db, TimeProvider.System, NullLogger<DatabaseHealth>.Instance);
        using var status = new LiveStatus(bus, health);
        var told = 0;
        status.Changed += () => told++;
        status.Broken.ShouldBeFalse();
        await health.CheckAsync(default);
        status.Broken.ShouldBeTrue();
        status.Reason!.ShouldContain("PostgreSQL cannot be reached");
        told.ShouldBe(1);
    }
}
