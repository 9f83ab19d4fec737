using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Tests.Web.Plugins.Ui;

/// <summary>A ticket is the key to a page: it must not be written down.</summary>
public sealed class TicketSecrecyTests
{
    [Fact]
    public async Task No_log_holds_a_ticket_even_where_the_framework_tells_more_and_things_go_wrong()
    {
        using var log = new Lines();
        await using var stage = await PluginUiStage.StartAsync(
            async http =>
            {
                if (http.Request.Path == "/nothing") http.Abort();
                else await http.Response.WriteAsync("hello");
            },
            "https", adjust: b => b.Logging.AddProvider(log), settings: new Dictionary<string, string> { ["Logging:LogLevel:Default"] = "Information", ["Logging:LogLevel:Microsoft.AspNetCore"] = "Information" });
        var prefix = await stage.TicketAsync();
        using var browser = stage.Browser();
        (await browser.GetStringAsync(prefix + "/")).ShouldBe("hello", "an own certificate is taken");
        (await browser.GetAsync(prefix + "/nothing")).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        await browser.GetAsync(prefix[..^1] + "/");
        await browser.GetAsync("/login?returnUrl=" + Uri.EscapeDataString("/plugins"));
        log.Written.ShouldContain(l => l.Contains("was not shown"), "the log is heard");
        var almost = prefix["/plugin-ui/".Length..^1]; // the wrong one, too
        log.Written.Where(l => l.Contains(almost, StringComparison.Ordinal)).ShouldBeEmpty();
        foreach (var file in Directory.GetFiles(stage.Console.Data, "quarterdeck.db*"))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
            (await reader.ReadToEndAsync()).ShouldNotContain(prefix["/plugin-ui/".Length..]);
        }
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Written { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull
        {
            Written.Enqueue(state.ToString() ?? "");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Written.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
