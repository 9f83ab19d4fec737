namespace Quarterdeck.Workers.NativeGuard;

/// <summary>What the guard holds one worker version to, inside the process. Zero means no limit.</summary>
/// <param name="CpuMs">CPU milliseconds of one uninterrupted turn of JavaScript; the turn is ended, the worker lives on. Collecting garbage counts, so give at least 100.</param>
/// <param name="StartupMs">The same for the turn that compiles and runs the modules for the first time.</param>
/// <param name="CpuPercent">Share of one core over ten seconds; turns beyond it are ended at their first step.</param>
/// <param name="HeapMiB">JavaScript heap. Below the cap that the process was started with (V8's <c>--max-heap-size</c>) the cap counts.</param>
/// <param name="BuffersMiB">Memory outside the heap: array buffers and WebAssembly.</param>
internal sealed record GuardLimits(int CpuMs, int StartupMs, int CpuPercent, int HeapMiB, int BuffersMiB);
