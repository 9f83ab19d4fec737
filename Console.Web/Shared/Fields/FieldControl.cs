namespace Quarterdeck.Web.Shared.Fields;

/// <summary>What a control inside a <c>Field</c> takes over: its id, and what describes it.</summary>
/// <param name="Id">For <c>id</c>; the label points to it.</param>
/// <param name="Describes">For <c>aria-describedby</c>.</param>
/// <param name="Wrong">Whether the field was refused.</param>
public sealed record FieldControl(string Id, string? Describes, bool Wrong)
{
    /// <summary>For <c>aria-invalid</c>.</summary>
    public string? Invalid => Wrong ? "true" : null;
}
