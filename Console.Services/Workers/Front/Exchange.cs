using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Quarterdeck.Workers.Front;

/// <summary>One request of a visitor and its answer, straight on the server's features: a pipeline of middleware would cost more than the rest. Kept with its connection and used again.</summary>
internal sealed class Exchange
{
    private IPAddress? _address;
    private string _addressText = "";

    public IFeatureCollection Features { get; private set; } = null!;
    public IHttpRequestFeature Request { get; private set; } = null!;
    public IHttpResponseFeature Response { get; private set; } = null!;
    public IHttpRequestLifetimeFeature Lifetime { get; private set; } = null!;
    public long Began { get; private set; }

    /// <summary>Path and query as the visitor wrote them.</summary>
    public string Target { get; set; } = "";

    /// <summary>Host header, port included.</summary>
    public string Host { get; set; } = "";

    public DeployedWorker Worker { get; set; } = null!;

    public DeployedVersion Version { get; set; } = null!;

    /// <summary>The cookie that keeps the visitor with a version; null for none.</summary>
    public string? SetCookie { get; set; }

    /// <summary>When the worker's wall time is over, <see cref="Environment.TickCount64"/>.</summary>
    public long Deadline { get; set; }

    public RequestOutcome Outcome { get; set; }

    /// <summary>The generation of the compute server that ended under it; -1 when it is sent again for another reason. Only read when it is sent again.</summary>
    public int Lost { get; set; }

    /// <summary>Whether its figures were written already.</summary>
    public bool IsRecorded { get; set; }

    /// <summary>Whether part of the answer's body was handed to the server, so that no other answer can take its place.</summary>
    public bool HasWritten { get; set; }

    /// <summary>Whether it is too late for another answer.</summary>
    public bool HasStarted => HasWritten || Response.HasStarted;

    public bool IsHead => HttpMethods.IsHead(Request.Method);

    public IHeaderDictionary RequestHeaders => Request.Headers;

    public IHeaderDictionary ResponseHeaders => Response.Headers;

    /// <summary>Cancelled when the visitor goes away.</summary>
    public CancellationToken Gone => Lifetime.RequestAborted;

    /// <summary>Whether the visitor sends a body.</summary>
    public bool HasBody => Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;

    /// <summary>The visitor's address as text.</summary>
    public string Address
    {
        get
        {
            var address = Features.Get<IHttpConnectionFeature>()?.RemoteIpAddress;
            if (ReferenceEquals(address, _address)) return _addressText;
            _address = address;
            return _addressText = (address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address)?.ToString() ?? "";
        }
    }

    /// <summary>Microseconds since the request's head.</summary>
    public long Microseconds => (Stopwatch.GetTimestamp() - Began) / (Stopwatch.Frequency / 1_000_000);

    public Exchange Begin(IFeatureCollection features)
    {
        Features = features;
        Request = features.GetRequiredFeature<IHttpRequestFeature>();
        Response = features.GetRequiredFeature<IHttpResponseFeature>();
        Lifetime = features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        Began = Stopwatch.GetTimestamp();
        (SetCookie, Outcome, Worker, Version, IsRecorded, HasWritten) = (null, RequestOutcome.Ok, null!, null!, false, false);
        return this;
    }

    /// <summary>Where the answer's body goes.</summary>
    public System.IO.Pipelines.PipeWriter Body => Features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
}
