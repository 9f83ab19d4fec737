using System.Text;

namespace Quarterdeck.Platform.Processes;

/// <summary>Reads standard error: hands each line on and keeps the end of it.</summary>
internal sealed class ErrorTail(int most, Action<string>? line)
{
    private const int LongestLine = 4096;

    private readonly StringBuilder _kept = new();
    private readonly StringBuilder _line = new();

    public async Task ReadAsync(Stream from, CancellationToken cancellation)
    {
        var decoder = Encoding.UTF8.GetDecoder();
        var bytes = new byte[4096];
        var chars = new char[4096];
        while (await from.ReadAsync(bytes, cancellation) is var read and > 0)
            Add(chars.AsSpan(0, decoder.GetChars(bytes, 0, read, chars, 0)));
        EndLine();
    }

    public override string ToString()
    {
        lock (_kept) return _kept.ToString();
    }

    private void Add(ReadOnlySpan<char> text)
    {
        lock (_kept)
        {
            _kept.Append(text);
            if (_kept.Length > most) _kept.Remove(0, _kept.Length - most);
        }
        if (line is null) return;
        foreach (var c in text)
        {
            // Progress is often written with carriage returns.
            if (c is '\n' or '\r') EndLine();
            else if (_line.Length < LongestLine) _line.Append(c);
        }
    }

    private void EndLine()
    {
        if (_line.Length == 0) return;
        line!(_line.ToString());
        _line.Clear();
    }
}
