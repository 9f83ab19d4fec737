using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Quarterdeck.Workers.Projects;

/// <summary>The characters of a TOML document: white space, keys, strings and plain values.</summary>
internal sealed class TomlText(string text)
{
    private readonly string _text = text.ReplaceLineEndings("\n");
    private int _at;

    public bool AtEnd => _at >= _text.Length;

    public char Peek => AtEnd ? '\0' : _text[_at];

    public FormatException Wrong(string what)
    {
        var before = _text.AsSpan(0, Math.Min(_at, _text.Length));
        return new FormatException($"line {before.Count('\n') + 1}, character {before.Length - before.LastIndexOf('\n')}: {what}");
    }

    public bool TryTake(char c)
    {
        if (Peek != c || AtEnd) return false;
        _at++;
        return true;
    }

    public bool TryTake(string s)
    {
        if (string.CompareOrdinal(_text, _at, s, 0, s.Length) != 0) return false;
        _at += s.Length;
        return true;
    }

    public void Take(char c)
    {
        SkipSpace();
        if (!TryTake(c)) throw Wrong($"'{c}' is expected");
    }

    public void Take(string s)
    {
        SkipSpace();
        if (!TryTake(s)) throw Wrong($"'{s}' is expected");
    }

    public void SkipSpace()
    {
        while (Peek is ' ' or '\t') _at++;
    }

    /// <summary>White space, ends of lines, and comments.</summary>
    public void SkipBlank()
    {
        while (true)
        {
            SkipSpace();
            if (Peek is '#') SkipComment();
            if (!TryTake('\n')) return;
        }
    }

    public void EndOfLine()
    {
        SkipSpace();
        if (Peek is '#') SkipComment();
        if (!AtEnd && !TryTake('\n')) throw Wrong("the line should end here");
    }

    public string BareKey()
    {
        var from = _at;
        while (char.IsAsciiLetterOrDigit(Peek) || Peek is '_' or '-') _at++;
        return _at > from ? _text[from.._at] : throw Wrong("a key is expected");
    }

    public string String()
    {
        var quote = Peek;
        var whole = new string(quote, 3);
        if (!TryTake(whole)) { _at++; return Until(quote.ToString(), quote is '"', lines: false); }
        TryTake('\n'); // right after the opening it does not count
        return Until(whole, quote is '"', lines: true);
    }

    /// <summary>A number, a truth value, or a date as its text.</summary>
    public JsonNode Scalar()
    {
        var from = _at;
        while (!AtEnd && Peek is not (',' or ']' or '}' or '#' or '\n')) _at++;
        var word = _text[from.._at].TrimEnd();
        _at = from + word.Length;
        if (word is "true" or "false") return JsonValue.Create(word is "true");
        var plain = word.Replace("_", "", StringComparison.Ordinal);
        if (long.TryParse(plain, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return JsonValue.Create(number);
        if (plain.Length > 2 && plain[0] == '0' && "xob".IndexOf(plain[1], StringComparison.Ordinal) is >= 0 and var radix)
            try { return JsonValue.Create(Convert.ToInt64(plain[2..], new[] { 16, 8, 2 }[radix])); }
            catch (Exception e) when (e is FormatException or OverflowException or ArgumentException) { throw Wrong($"'{word}' is no number"); }
        if (double.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real)) return JsonValue.Create(real);
        if (word.Length >= 8 && char.IsAsciiDigit(word[0]) && word.Any(c => c is '-' or ':')) return JsonValue.Create(word);
        throw Wrong(word.Length == 0 ? "a value is expected" : $"'{word}' is no value; texts are quoted");
    }

    private void SkipComment()
    {
        while (!AtEnd && Peek is not '\n') _at++;
    }

    private string Until(string end, bool escapes, bool lines)
    {
        var value = new StringBuilder();
        while (true)
        {
            if (AtEnd || (!lines && Peek is '\n')) throw Wrong("the text is not closed");
            if (TryTake(end))
            {
                // Up to two quotes may stand right before the closing ones.
                while (lines && TryTake(end[0])) value.Append(end[0]);
                return value.ToString();
            }
            var c = _text[_at++];
            if (c is '\\' && escapes) Escape(value, lines);
            else value.Append(c);
        }
    }

    private void Escape(StringBuilder value, bool lines)
    {
        var c = AtEnd ? '\0' : _text[_at++];
        switch (c)
        {
            case 'b': value.Append('\b'); break;
            case 't': value.Append('\t'); break;
            case 'n': value.Append('\n'); break;
            case 'f': value.Append('\f'); break;
            case 'r': value.Append('\r'); break;
            case '"' or '\\': value.Append(c); break;
            case 'u': value.Append(Code(4)); break;
            case 'U': value.Append(Code(8)); break;
            case '\n' or ' ' or '\t' when lines:
                while (!AtEnd && Peek is ' ' or '\t' or '\n') _at++;
                break;
            default: throw Wrong($"there is no escape '\\{c}'");
        }
    }

    private string Code(int digits)
    {
        if (_at + digits > _text.Length || !int.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || !Rune.IsValid(code)) throw Wrong("the code of a character is wrong");
        _at += digits;
        return char.ConvertFromUtf32(code);
    }
}
