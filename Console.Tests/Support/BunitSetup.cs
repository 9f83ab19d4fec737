using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace Quarterdeck.Tests.Support;

/// <summary>bUnit 2.x is compiled against AngleSharp.Diffing 1.0.0.0; the registry here only has 0.17.0.
/// The default binder refuses the lower version, then asks Resolving handlers.</summary>
internal static class BunitSetup
{
    [ModuleInitializer]
    internal static void RedirectDiffing() => AssemblyLoadContext.Default.Resolving += (context, name) =>
        name.Name == "AngleSharp.Diffing" ? context.LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, "AngleSharp.Diffing.dll")) : null;
}
