namespace Quarterdeck.Tags;

/// <summary>Tags on objects of any kind; the room that owns the object asks for permission and audits.</summary>
public sealed class TagIndex
{
}
