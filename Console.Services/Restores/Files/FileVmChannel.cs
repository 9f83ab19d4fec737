using System.Buffers.Binary;
using System.Net.Sockets;

namespace Quarterdeck.Restores.Files;

/// <summary>One line to the file VM: a question, then its answer. A question that was sent is always waited for, so that the line stays in step.</summary>
internal sealed class FileVmChannel(Socket socket) : IDisposable
{
    /// <summary>Longest content that is asked for at once.</summary>
    public const int Block = 1 << 20;

    private const int LongestAnswer = Block + 4096;
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    /// <summary>Asks.</summary>
    /// <param name="question">The operation's letter and what belongs to it.</param>
    /// <param name="patience">How long the answer may take.</param>
    /// <returns>0 or an error's number of Linux, and the answer.</returns>
    /// <exception cref="GuestFault">It did not answer in time or in form, or is gone.</exception>
    public async Task<(byte Status, byte[] Content)> AskAsync(ReadOnlyMemory<byte> question, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        try
        {
            var head = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(head, question.Length);
            await _stream.WriteAsync(head, limit.Token);
            await _stream.WriteAsync(question, limit.Token);
            await _stream.ReadExactlyAsync(head, limit.Token);
            var length = BinaryPrimitives.ReadUInt32BigEndian(head);
            if (length is 0 or > LongestAnswer) throw new GuestFault($"It announced an answer of {length} bytes.");
            var status = new byte[1];
            await _stream.ReadExactlyAsync(status, limit.Token);
            var content = new byte[length - 1];
            await _stream.ReadExactlyAsync(content, limit.Token);
            return (status[0], content);
        }
        catch (OperationCanceledException e) { throw new GuestFault($"It did not answer within {patience.TotalSeconds:0} s.", e); }
        catch (Exception e) when (e is IOException or ObjectDisposedException) { throw new GuestFault("It is gone.", e); }
    }

    public void Dispose() => _stream.Dispose();
}
