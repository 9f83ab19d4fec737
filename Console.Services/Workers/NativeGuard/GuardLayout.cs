namespace Quarterdeck.Workers.NativeGuard;

/// <summary>Offsets and sizes of <c>struct guard_file</c> in native/layout.h, in bytes; a test compares them with the library's own.</summary>
internal static class GuardLayout
{
    public const ulong Magic = 0x3144524155474451;
    public const uint Version = 1;
    public const int Slots = 8192, Limits = 16384, KeyBytes = 64;

    public const int Trusted = 12, Device = 16, Inode = 24, Size = 32, ModifiedNs = 40, GraceMs = 48, WindowMs = 52, SlackMiB = 56, LimitsChanged = 60, Symbols = 64;
    public const int State = 192, Pid = 196, SlotsUsed = 200, IsolatesMade = 204, Current = 208, Culprit = 212, Beat = 216, ForeignTurns = 224, Why = 232, Reason = 264, Collect = 392;
    public const int Standard = 416, LimitSize = 96, LimitKey = 32, LimitTable = Standard + LimitSize;
    public const int SlotSize = 248, SlotTable = LimitTable + Limits * LimitSize, FileSize = SlotTable + Slots * SlotSize;

    public const int SlotGeneration = 8, SlotLimited = 12, SlotCondemned = 16, SlotKey = 24, SlotCounters = 88;
}
