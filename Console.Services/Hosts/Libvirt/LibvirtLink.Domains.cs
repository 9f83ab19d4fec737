using System.Globalization;
using System.Runtime.InteropServices;
using Quarterdeck.Hosts.Vms;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Reading domains.</content>
internal sealed unsafe partial class LibvirtLink
{
    private const uint Persistent = 1 << 2, Autostart = 1 << 10;
    private bool _tellsCapacities = true;

    /// <inheritdoc/>
    public Task<IReadOnlyList<DomainRecord>> DomainsAsync(CancellationToken cancellation) => _slow.RunAsync<IReadOnlyList<DomainRecord>>(
        () =>
        {
            const string What = "list the domains";
            var persistent = Uuids(Persistent, What); // by lists, not a call a domain
            var autostart = Uuids(Autostart, What);
            var records = new List<DomainRecord>();
            foreach (var domain in List(0, What))
                using (domain)
                    if (Read(domain, UuidOf(domain), persistent.Contains, autostart.Contains) is { } record) records.Add(record);
            return records;
        },
        "list the domains", Power, cancellation);

    /// <inheritdoc/>
    public Task<DomainRecord?> DomainAsync(Guid uuid, CancellationToken cancellation) => CallAsync("read the domain", () =>
    {
        using var domain = LibvirtError.Found(Native.virDomainLookupByUUIDString(Connection, uuid.ToString()), "read the domain");
        return domain is null ? null : ReadOne(domain);
    }, cancellation);

    /// <inheritdoc/>
    public Task<DomainRecord?> DomainAsync(string name, CancellationToken cancellation) => CallAsync("read the domain", () =>
    {
        using var domain = LibvirtError.Found(Native.virDomainLookupByName(Connection, name), "read the domain");
        return domain is null ? null : ReadOne(domain);
    }, cancellation);

    /// <inheritdoc/>
    public Task<string> XmlAsync(Guid uuid, CancellationToken cancellation, bool inactive = false, bool secrets = false) => CallAsync("read the domain's description", () =>
    {
        using var domain = Domain(uuid, "read the domain's description");
        return LibvirtError.Check(Native.virDomainGetXMLDesc(domain, (secrets ? 1u : 0) | (inactive ? 2u : 0)), "read the domain's description");
    }, cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<DomainCounters>> CountersAsync(CancellationToken cancellation) => CallAsync<IReadOnlyList<DomainCounters>>("read the counters", () =>
    {
        const uint CpuTotal = 1 << 1, Balloon = 1 << 2, Vcpu = 1 << 3, Interface = 1 << 4, Block = 1 << 5;
        const uint Active = 1, NoWait = 1 << 29; // a domain busy with a job must not hold up the others
        Native.StatsRecord** records = null;
        if (Native.virConnectGetAllDomainStats(Connection, CpuTotal | Balloon | Vcpu | Interface | Block, &records, Active | NoWait) < 0)
        {
            var error = LibvirtError.Last("read the counters");
            return error.Error == HypervisorError.Unsupported ? [] : throw error; // the mock driver
        }
        try
        {
            var counters = new List<DomainCounters>();
            for (var at = records; *at is not null; at++) counters.Add(Counters(*at));
            return counters;
        }
        finally
        {
            Native.virDomainStatsRecordListFree(records);
        }
    }, cancellation);

    private static DomainCounters Counters(Native.StatsRecord* record)
    {
        ulong cpu = 0, read = 0, written = 0, received = 0, sent = 0;
        long rss = 0, current = 0;
        var vcpus = 1;
        for (var i = 0; i < record->Count; i++)
        {
            var parameter = record->Parameters + i;
            var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(parameter->Name);
            if (name.SequenceEqual("cpu.time"u8)) cpu = parameter->Value;
            else if (name.SequenceEqual("balloon.rss"u8)) rss = (long)parameter->Value;
            else if (name.SequenceEqual("balloon.current"u8)) current = (long)parameter->Value;
            else if (name.SequenceEqual("vcpu.current"u8)) vcpus = (int)(uint)parameter->Value;
            else if (name.StartsWith("block."u8) && name.EndsWith(".rd.bytes"u8)) read += parameter->Value;
            else if (name.StartsWith("block."u8) && name.EndsWith(".wr.bytes"u8)) written += parameter->Value;
            else if (name.StartsWith("net."u8) && name.EndsWith(".rx.bytes"u8)) received += parameter->Value;
            else if (name.StartsWith("net."u8) && name.EndsWith(".tx.bytes"u8)) sent += parameter->Value;
        }
        return new DomainCounters(UuidOf(record->Domain), cpu, vcpus, 1024 * (rss > 0 ? rss : current), read, written, received, sent);
    }

    private List<DomainHandle> List(uint flags, string what)
    {
        nint* pointers;
        var count = LibvirtError.Check(Native.virConnectListAllDomains(Connection, &pointers, flags), what);
        return Take<DomainHandle>(pointers, count);
    }

    private static List<T> Take<T>(nint* pointers, int count) where T : LibvirtHandle, new()
    {
        var list = new List<T>(count);
        for (var i = 0; i < count; i++) list.Add(LibvirtHandle.Own<T>(pointers[i]));
        NativeMemory.Free(pointers);
        return list;
    }

    private HashSet<Guid> Uuids(uint flags, string what)
    {
        var uuids = new HashSet<Guid>();
        foreach (var domain in List(flags, what))
            using (domain)
                uuids.Add(UuidOf(domain));
        return uuids;
    }

    private static Guid UuidOf(DomainHandle domain) => UuidOf(domain.DangerousGetHandle());

    private static Guid UuidOf(nint domain)
    {
        var text = stackalloc byte[37];
        LibvirtError.Check(Native.virDomainGetUUIDString(domain, text), "read the domain's UUID");
        return Guid.Parse(OwnedText.Borrowed(text), CultureInfo.InvariantCulture);
    }

    private DomainRecord? ReadOne(DomainHandle domain)
    {
        var persistent = Native.virDomainIsPersistent(domain) == 1;
        var autostart = Native.virDomainGetAutostart(domain, out var on) == 0 && on == 1; // fails for a transient domain
        Native.virResetLastError();
        return Read(domain, UuidOf(domain), _ => persistent, _ => autostart);
    }

    // Null for a domain that went away between the calls.
    private DomainRecord? Read(DomainHandle domain, Guid uuid, Func<Guid, bool> persistent, Func<Guid, bool> autostart)
    {
        try
        {
            LibvirtError.Check(Native.virDomainGetState(domain, out var state, out var reason, 0), "read the domain's state");
            var xml = LibvirtError.Check(Native.virDomainGetXMLDesc(domain, 0), "read the domain's description");
            return new DomainRecord(uuid, OwnedText.Borrowed(Native.virDomainGetName(domain)), StateOf(state, reason), persistent(uuid), autostart(uuid), xml, Capacities(domain, xml));
        }
        catch (HypervisorException gone) when (gone.Error == HypervisorError.NotFound)
        {
            return null;
        }
    }

    private Dictionary<string, long> Capacities(DomainHandle domain, string xml)
    {
        var capacities = new Dictionary<string, long>();
        if (!_tellsCapacities) return capacities;
        foreach (var target in DomainXml.TargetsWithSource(xml))
        {
            if (Native.virDomainGetBlockInfo(domain, target, out var info, 0) == 0) capacities[target] = (long)info.Capacity;
            else if (LibvirtError.Last("read a disk's size").Error == HypervisorError.Unsupported) _tellsCapacities = false; // the mock driver
        }
        return capacities;
    }

    /// <summary>By <c>virDomainState</c> and, for a stopped domain, <c>virDomainShutoffReason</c>.</summary>
    internal static VmState StateOf(int state, int reason) => state switch
    {
        1 or 2 or 4 => VmState.Running, // running, blocked, shutting down
        3 or 7 => VmState.Paused,
        5 when reason is 3 or 6 => VmState.Crashed, // crashed, failed to start
        6 => VmState.Crashed,
        _ => VmState.Off,
    };
}
