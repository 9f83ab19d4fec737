using System.Text.Json.Nodes;

namespace Quarterdeck.Workers.Projects;

/// <summary>Reads TOML 1.0 as far as settings files use it, into JSON; dates and times stay as their text.</summary>
internal sealed class Toml
{
    private const int DeepestNesting = 32;
    private readonly TomlText _text;
    private readonly JsonObject _root = [];

    // Tables that [header] or a key made: naming them again is a mistake, not a merge.
    private readonly HashSet<JsonObject> _closed = new(ReferenceEqualityComparer.Instance);

    private Toml(string text) => _text = new TomlText(text);

    /// <summary>The whole document.</summary>
    /// <exception cref="FormatException">It is no TOML; the message names line and character.</exception>
    public static JsonObject Parse(string text) => new Toml(text).Document();

    private JsonObject Document()
    {
        var table = _root;
        while (true)
        {
            _text.SkipBlank();
            if (_text.AtEnd) return _root;
            if (_text.TryTake("[["))
            {
                var path = Keys();
                _text.Take("]]");
                table = NewInArray(path);
            }
            else if (_text.TryTake('['))
            {
                var path = Keys();
                _text.Take(']');
                table = Open(path, make: true);
                if (!_closed.Add(table)) throw _text.Wrong($"the table [{string.Join('.', path)}] comes twice");
            }
            else Pair(table, 0);
            _text.EndOfLine();
        }
    }

    private void Pair(JsonObject table, int depth)
    {
        var path = Keys();
        _text.Take('=');
        _text.SkipSpace();
        var value = Value(depth);
        foreach (var part in path[..^1])
        {
            if (table[part] is null && !table.ContainsKey(part)) table[part] = new JsonObject();
            table = table[part] as JsonObject ?? throw _text.Wrong($"'{part}' is a value already");
        }
        if (!table.TryAdd(path[^1], value)) throw _text.Wrong($"'{path[^1]}' comes twice");
    }

    private List<string> Keys()
    {
        var keys = new List<string>();
        do
        {
            _text.SkipSpace();
            keys.Add(_text.Peek is '"' or '\'' ? _text.String() : _text.BareKey());
            _text.SkipSpace();
        }
        while (_text.TryTake('.'));
        return keys;
    }

    private JsonObject Open(IReadOnlyList<string> path, bool make)
    {
        var table = _root;
        for (var i = 0; i < path.Count; i++)
        {
            if (!table.ContainsKey(path[i])) table[path[i]] = make ? new JsonObject() : throw _text.Wrong($"there is no table '{path[i]}'");
            // Inside an array of tables the newest one is meant.
            table = table[path[i]] switch
            {
                JsonObject inner => inner,
                JsonArray { Count: > 0 } array when array[^1] is JsonObject last => last,
                _ => throw _text.Wrong($"'{path[i]}' is a value already"),
            };
        }
        return table;
    }

    private JsonObject NewInArray(IReadOnlyList<string> path)
    {
        var parent = Open([.. path.Take(path.Count - 1)], make: true);
        if (!parent.ContainsKey(path[^1])) parent[path[^1]] = new JsonArray();
        var array = parent[path[^1]] as JsonArray ?? throw _text.Wrong($"'{path[^1]}' is no array of tables");
        var table = new JsonObject();
        array.Add(table);
        return table;
    }

    private JsonNode? Value(int depth)
    {
        if (depth > DeepestNesting) throw _text.Wrong("it is nested too deeply");
        return _text.Peek switch
        {
            '"' or '\'' => JsonValue.Create(_text.String()),
            '[' => Array(depth + 1),
            '{' => Inline(depth + 1),
            _ => _text.Scalar(),
        };
    }

    private JsonArray Array(int depth)
    {
        var array = new JsonArray();
        _text.Take('[');
        while (true)
        {
            _text.SkipBlank();
            if (_text.TryTake(']')) return array;
            array.Add(Value(depth));
            _text.SkipBlank();
            if (_text.TryTake(',')) continue;
            _text.Take(']');
            return array;
        }
    }

    private JsonObject Inline(int depth)
    {
        var table = new JsonObject();
        _text.Take('{');
        _text.SkipSpace();
        if (_text.TryTake('}')) return table;
        do Pair(table, depth);
        while (Next());
        _text.Take('}');
        return table;

        bool Next()
        {
            _text.SkipSpace();
            if (!_text.TryTake(',')) return false;
            _text.SkipSpace();
            return true;
        }
    }
}
