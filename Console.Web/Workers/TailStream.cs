using System.Text.Json;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Web.Access;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Writes a watched log as server-sent events until the client goes, its token ends, or the console stops.</summary>
internal sealed class TailStream(TokenVerifier tokens, IHostApplicationLifetime lifetime, IOptions<JsonOptions> json, TimeProvider time)
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100), Quiet = TimeSpan.FromSeconds(15), Recheck = TimeSpan.FromSeconds(5);

    public async Task WriteAsync(HttpContext http, Caller caller, TailWatch watch, CancellationToken cancellation)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lifetime.ApplicationStopping);
        var answer = http.Response;
        (answer.ContentType, answer.Headers.CacheControl) = ("text/event-stream", "no-store");
        answer.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await SayAsync(answer, ": the log is open\n\n", end.Token);
            var batches = watch.ReadBatchesAsync(Pace, time, end.Token).GetAsyncEnumerator(end.Token);
            var next = batches.MoveNextAsync().AsTask();
            var (lost, told, verified) = (0L, time.GetTimestamp(), time.GetTimestamp());
            try
            {
                while (true)
                {
                    await Task.WhenAny(next, Task.Delay(Recheck, time, end.Token));
                    end.Token.ThrowIfCancellationRequested();
                    // A connection outlives its token: it is asked about again.
                    if (time.GetElapsedTime(verified) > Recheck)
                    {
                        if (BearerHandler.SecretOf(http.Request) is not { } secret || await tokens.VerifyAsync(secret, caller.RequestId, end.Token) is not { } now || !now.May(WorkersPermissions.Logs)) return;
                        verified = time.GetTimestamp();
                    }
                    if (next.IsCompleted)
                    {
                        if (!await next) return;
                        foreach (var run in batches.Current) await answer.WriteAsync($"event: run\ndata: {JsonSerializer.Serialize(run, json.Value.SerializerOptions)}\n\n", end.Token);
                        if (watch.Dropped > lost) await answer.WriteAsync($"event: lost\ndata: {{\"runs\":{(lost = watch.Dropped)}}}\n\n", end.Token);
                        await answer.Body.FlushAsync(end.Token);
                        told = time.GetTimestamp();
                        next = batches.MoveNextAsync().AsTask();
                    }
                    else if (time.GetElapsedTime(told) > Quiet)
                    {
                        // Proxies close what is silent.
                        await SayAsync(answer, ": still here\n\n", end.Token);
                        told = time.GetTimestamp();
                    }
                }
            }
            finally
            {
                // The pending read has to end before its enumerator does.
                await end.CancelAsync();
                await next.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                await batches.DisposeAsync();
            }
        }
        catch (OperationCanceledException) { /* the client has gone, or the console stops */ }
    }

    private static async Task SayAsync(HttpResponse answer, string text, CancellationToken cancellation)
    {
        await answer.WriteAsync(text, cancellation);
        await answer.Body.FlushAsync(cancellation);
    }
}
