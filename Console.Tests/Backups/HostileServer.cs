using System.Buffers.Binary;
using System.Net.Sockets;

namespace Quarterdeck.Tests.Backups;

/// <summary>A disk server that does what it likes after a proper handshake.</summary>
internal sealed class HostileServer : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qd-nbd-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public HostileServer(Func<Wire, Task> behave, long size = 1 << 20)
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        _ = Task.Run(async () =>
        {
            try
            {
                using var socket = await _listener.AcceptAsync();
                await behave(new Wire(socket, size));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException) { /* the client hung up */ }
        });
    }

    public string Path => System.IO.Path.Combine(_folder.FullName, "s");

    public void Dispose()
    {
        _listener.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>The server's end.</summary>
    internal sealed class Wire(Socket socket, long size)
    {
        private readonly NetworkStream _stream = new(socket);

        public async Task SendAsync(params object[] parts)
        {
            foreach (var part in parts)
                await _stream.WriteAsync(part switch
                {
                    ushort n => Big(2, n),
                    uint n => Big(4, n),
                    ulong n => Big(8, n),
                    byte[] b => b,
                    _ => throw new ArgumentException(part.ToString()),
                });
        }

        public async Task<byte[]> ReadAsync(int length)
        {
            var bytes = new byte[length];
            await _stream.ReadExactlyAsync(bytes);
            return bytes;
        }

        /// <summary>Agrees to structured replies, one context numbered 1, and the export.</summary>
        public async Task HandshakeAsync()
        {
            await SendAsync(0x4e42444d41474943ul, 0x49484156454F5054ul, (ushort)3);
            await ReadAsync(4);
            while (true)
            {
                var head = await ReadAsync(16);
                var option = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8));
                var data = await ReadAsync((int)BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12)));
                if (option == 10)
                {
                    byte[] name = [.. "base:allocation"u8];
                    await ReplyAsync(option, 4, [0, 0, 0, 1, .. name]);
                }
                if (option == 7) await ReplyAsync(option, 3, [0, 0, .. Big(8, (ulong)size), 0, 1]);
                await ReplyAsync(option, 1, []);
                if (option == 7) return;
                _ = data;
            }
        }

        public Task ReplyAsync(uint option, uint type, byte[] data) => SendAsync(0x0003e889045565a9ul, option, type, (uint)data.Length, data);

        /// <summary>The cookie of the next request.</summary>
        public async Task<ulong> RequestAsync() => BinaryPrimitives.ReadUInt64BigEndian((await ReadAsync(28)).AsSpan(8));

        /// <summary>A part of a structured reply.</summary>
        public Task ChunkAsync(ushort flags, ushort type, ulong cookie, uint length, params object[] rest) => SendAsync([0x668e33efu, flags, type, cookie, length, .. rest]);

        private static byte[] Big(int length, ulong number)
        {
            var bytes = new byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
            return bytes[(8 - length)..];
        }
    }
}
