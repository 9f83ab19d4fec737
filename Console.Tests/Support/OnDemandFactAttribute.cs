namespace Quarterdeck.Tests.Support;

/// <summary>A test that runs only when an environment variable is set: it makes something rather than proves something.</summary>
public sealed class OnDemandFactAttribute : FactAttribute
{
    /// <param name="variable">The environment variable.</param>
    public OnDemandFactAttribute(string variable)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable))) Skip = $"Set {variable}=1 to run it.";
    }
}
