namespace Quarterdeck.Web.Shared;

/// <summary>One tab of an object page.</summary>
/// <param name="Key">Its value in the query string.</param>
/// <param name="Text">Its word.</param>
/// <param name="Count">A number behind the word, when it says something.</param>
public sealed record Tab(string Key, string Text, int? Count = null);

/// <summary>One filter of a list: a chip with a value from a fixed set.</summary>
/// <param name="Key">Its name in the query string, as REST spells it.</param>
/// <param name="Text">Its word, such as <c>State</c>.</param>
/// <param name="Options">Value and word of each choice.</param>
public sealed record Filter(string Key, string Text, IReadOnlyList<(string Value, string Text)> Options);
