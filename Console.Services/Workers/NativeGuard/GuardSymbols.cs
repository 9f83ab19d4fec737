namespace Quarterdeck.Workers.NativeGuard;

/// <summary>The functions of V8 that the guard works with; the order is that of <c>enum engine_symbol</c> in native/engine.h.</summary>
internal static class GuardSymbols
{
    /// <summary>Mangled names.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "_ZN2v87Isolate3NewERKNS_12IsolateGroupERKNS0_12CreateParamsE",
        "_ZN2v87Isolate7DisposeEv",
        "_ZN2v87Isolate5EnterEv",
        "_ZN2v87Isolate4ExitEv",
        "_ZN2v814ScriptCompiler13CompileModuleEPNS_7IsolateEPNS0_6SourceENS0_14CompileOptionsENS0_13NoCacheReasonE",
        "_ZN2v87Isolate18TerminateExecutionEv",
        "_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_",
        "_ZN2v87Isolate17GetHeapStatisticsEPNS_14HeapStatisticsE",
        "_ZN2v87Isolate24AddNearHeapLimitCallbackEPFmPvmmES1_",
        "_ZN2v87Isolate26MemoryPressureNotificationENS_19MemoryPressureLevelE",
        "_ZNK2v86String9WriteUtf8EPNS_7IsolateEPcmiPm",
        "_ZN2v88internal12BackingStore8AllocateEPNS0_7IsolateEmNS_4base11StrongAliasINS0_13SharedFlagTagEbEENS5_INS0_18InitializedFlagTagEbEE",
        "_ZN2v88internal12_GLOBAL__N_115ConstructBufferEPNS0_7IsolateENS0_12DirectHandleINS0_10JSFunctionEEENS4_INS0_10JSReceiverEEENS4_INS0_6ObjectEEESA_NS_4base11StrongAliasINS0_18InitializedFlagTagEbEE",
        "_ZN2v87Isolate21AddGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_",
        "_ZN2v87Isolate21AddGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_",
        "_ZN2v814ScriptCompiler15CreateCodeCacheENS_5LocalINS_19UnboundModuleScriptEEE",
    ];
}
