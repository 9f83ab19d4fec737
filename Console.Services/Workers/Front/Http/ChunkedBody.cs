namespace Quarterdeck.Workers.Front.Http;

/// <summary>Reads a chunked body (RFC 9112, 7.1) from pieces as they come; strict on line ends and sizes.</summary>
internal struct ChunkedBody
{
    private const int MostLine = 8 << 10, MostTrailers = 16 << 10;

    private enum Step : byte { Size, Extension, SizeEnd, Data, DataReturn, DataEnd, TrailerStart, Trailer, TrailerEnd, LastEnd, Done }

    private Step _step;
    private int _digits;
    private int _line;
    private long _left;

    /// <summary>Whether the last chunk and its trailers were read.</summary>
    public readonly bool IsComplete => _step is Step.Done;

    /// <summary>Reads on until a piece of data is found, or the input is used up.</summary>
    /// <param name="input">What was received and not consumed yet.</param>
    /// <param name="consumed">How much of it is done with, the data included.</param>
    /// <returns>The data found; empty when there is none in the input.</returns>
    /// <exception cref="UpstreamException">It is no chunked body.</exception>
    public ReadOnlySpan<byte> Next(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        while (consumed < input.Length && _step is not Step.Done)
        {
            if (_step is Step.Data)
            {
                var length = (int)Math.Min(_left, input.Length - consumed);
                var data = input.Slice(consumed, length);
                consumed += length;
                _left -= length;
                if (_left == 0) _step = Step.DataReturn;
                return data;
            }
            Take(input[consumed++]);
        }
        return [];
    }

    private void Take(byte b)
    {
        switch (_step)
        {
            case Step.Size when Digit(b) is >= 0 and var digit:
                if (++_digits > 15) throw Malformed();
                _left = (_left << 4) | (long)digit;
                break;
            case Step.Size when _digits > 0 && b is (byte)';' or (byte)' ' or (byte)'\t':
                (_step, _line) = (Step.Extension, 0);
                break;
            case Step.Size or Step.Extension when b == '\r' && _digits > 0:
                _step = Step.SizeEnd;
                break;
            case Step.Extension when b >= 32 || b == '\t':
                if (++_line > MostLine) throw Malformed();
                break;
            case Step.SizeEnd when b == '\n':
                (_step, _digits, _line) = (_left == 0 ? Step.TrailerStart : Step.Data, 0, 0);
                break;
            case Step.DataReturn when b == '\r':
                _step = Step.DataEnd;
                break;
            case Step.DataEnd when b == '\n':
                _step = Step.Size;
                break;
            case Step.TrailerStart when b == '\r':
                _step = Step.LastEnd;
                break;
            case Step.TrailerStart or Step.Trailer when b >= 32 || b == '\t':
                _step = Step.Trailer;
                if (++_line > MostTrailers) throw Malformed();
                break;
            case Step.Trailer when b == '\r':
                _step = Step.TrailerEnd;
                break;
            case Step.TrailerEnd when b == '\n':
                _step = Step.TrailerStart;
                break;
            case Step.LastEnd when b == '\n':
                _step = Step.Done;
                break;
            default:
                throw Malformed();
        }
    }

    private static int Digit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };

    private static UpstreamException Malformed() => new(UpstreamFault.Malformed, "The compute server's response cannot be read: a chunk is damaged.");
}
