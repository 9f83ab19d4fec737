namespace Quarterdeck.Plugins.Webhooks;

/// <summary>Something that plug-ins may be told.</summary>
/// <param name="Name">Such as <c>vm.started</c>.</param>
/// <param name="Permission">Key of the permission that whoever hears it must have.</param>
/// <param name="Subject">The object, as REST shows it; serialised as JSON.</param>
internal sealed record WebhookEvent(string Name, string Permission, object Subject);
