using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace Quarterdeck.Web.Shared;

/// <summary>Renders its content after the siblings before it: a grid's columns have then reported themselves.</summary>
public sealed class Deferred : ComponentBase
{
    /// <summary>What is rendered late.</summary>
    [Parameter] public RenderFragment? ChildContent { get; set; }

    protected override void BuildRenderTree(RenderTreeBuilder builder) => builder.AddContent(0, ChildContent);
}
