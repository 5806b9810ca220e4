using System.Text.Json;
using Microsoft.Playwright;

namespace WebMessenger.Load.Pages;

/// <summary>
/// What came over the wire to one tab, headers included, by kind (`Document`, `Script`, `Stylesheet`, `Fetch`, `WebSocket`, …), as the
/// browser's own network layer counts it. What came from its cache is nothing.
/// </summary>
internal sealed class WireBytes
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Request> _requests = [];

    private WireBytes()
    {
    }

    public static async Task<WireBytes> OfAsync(ICDPSession tab)
    {
        WireBytes bytes = new();
        tab.Event("Network.requestWillBeSent").OnEvent += (_, said) => bytes.Asked(said!.Value);
        tab.Event("Network.responseReceived").OnEvent +=
            (_, said) => bytes.Of(said!.Value).Kind = said.Value.GetProperty("type").GetString()!;
        tab.Event("Network.loadingFinished").OnEvent +=
            (_, said) => bytes.Add(said!.Value, said.Value.GetProperty("encodedDataLength").GetDouble());
        tab.Event("Network.webSocketWillSendHandshakeRequest").OnEvent += (_, said) => bytes.Opened(said!.Value);
        tab.Event("Network.webSocketFrameReceived").OnEvent += (_, said) => bytes.Heard(said!.Value);
        await tab.SendAsync("Network.enable");
        return bytes;
    }

    /// <summary>All bytes of what was asked for before this moment, in seconds since 1970.</summary>
    public IReadOnlyDictionary<string, long> AskedBefore(double moment)
    {
        lock (_gate)
        {
            return _requests.Values.Where(request => request.At < moment)
                .GroupBy(request => request.Kind)
                .ToDictionary(kind => kind.Key, kind => kind.Sum(request => request.Length));
        }
    }

    private void Asked(JsonElement said)
    {
        lock (_gate)
        {
            Of(said).At = said.GetProperty("wallTime").GetDouble();
        }
    }

    private void Opened(JsonElement said)
    {
        lock (_gate)
        {
            (Of(said).At, Of(said).Kind) = (said.GetProperty("wallTime").GetDouble(), "WebSocket");
        }
    }

    private void Heard(JsonElement said)
    {
        var frame = said.GetProperty("response");
        var length = frame.GetProperty("payloadData").GetString()!.Length;
        // Binary frames are given in Base64.
        Add(said, frame.GetProperty("opcode").GetDouble() == 1 ? length : length / 4 * 3);
    }

    private void Add(JsonElement said, double length)
    {
        lock (_gate)
        {
            Of(said).Length += (long)length;
        }
    }

    private Request Of(JsonElement said)
    {
        var id = said.GetProperty("requestId").GetString()!;
        lock (_gate)
        {
            if (!_requests.TryGetValue(id, out var request))
            {
                _requests[id] = request = new Request();
            }

            return request;
        }
    }

    private sealed class Request
    {
        public double At { get; set; }

        public string Kind { get; set; } = "Other";

        public long Length { get; set; }
    }
}
