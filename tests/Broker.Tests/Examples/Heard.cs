using System.Text.Json;
using System.Threading.Channels;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Examples;

/// <summary>All JSON that clients were sent and calls were answered with.</summary>
internal sealed class Heard
{
    private readonly Channel<JsonElement> _coming = Channel.CreateUnbounded<JsonElement>();
    private readonly List<JsonElement> _all = [];

    public void Add(JsonElement answer) => _coming.Writer.TryWrite(answer);

    /// <summary>Listens until the connection ends.</summary>
    public async Task ListenAsync(RawMqttClient client)
    {
        while (!client.IsClosed)
        {
            ReceivedPublish publish;
            try
            {
                publish = await client.NextPublishAsync(TimeSpan.FromMinutes(5));
            }
            catch (Exception) when (client.IsClosed)
            {
                return;
            }

            if (publish.Text.StartsWith('{'))
            {
                Add(publish.Json);
            }
        }
    }

    /// <summary>Whether something like this was heard, or is within a while.</summary>
    public async Task<bool> HearsAsync(JsonElement example, TimeSpan patience)
    {
        if (_all.Exists(came => Likeness.IsLike(example, came)))
        {
            return true;
        }

        using CancellationTokenSource over = new(patience);
        try
        {
            while (true)
            {
                var came = Likeness.WithAllIn(await _coming.Reader.ReadAsync(over.Token)).ToList();
                _all.AddRange(came);
                if (came.Exists(one => Likeness.IsLike(example, one)))
                {
                    return true;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>What is of the same type, for a failure's message.</summary>
    public string Near(JsonElement example) => string.Join('\n', _all
        .Where(came => came.EnumerateObject().Select(field => field.Name).Intersect(example.EnumerateObject().Select(field => field.Name)).Count() > 1
            && (!example.TryGetProperty("type", out var type) || (came.TryGetProperty("type", out var other) && other.ToString() == type.ToString())))
        .TakeLast(3).Select(one => one.GetRawText()));
}
