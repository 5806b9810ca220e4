using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Webhooks;

namespace WebMessenger.Broker.Tests.Webhooks;

/// <summary>Names whose server says nothing hold up nobody but who wrote them down.</summary>
public sealed class NameLookupsTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ConcurrentQueue<(string Name, bool IsOfPool)> _asked = new();
    private readonly SemaphoreSlim _begun = new(0);
    private readonly ManualResetEventSlim _answered = new();
    private readonly NameLookups _names;

    public NameLookupsTests() => _names = new NameLookups(Look, _time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // Who still looks is let go.
    public void Dispose() => _answered.Set();

    [Fact]
    public async Task Names_of_one_account_that_nobody_answers_for_take_one_thread_that_is_none_of_the_pool()
    {
        var silent = Enumerable.Range(0, 50).Select(number => _names.FindAsync("mallory", $"silent{number}.example", Cancellation)).ToArray();

        Assert.Equal([IPAddress.Loopback], await _names.FindAsync("ana", "known.example", Cancellation));
        await _begun.WaitAsync(Cancellation);
        await _begun.WaitAsync(Cancellation);
        Assert.Equal((1, 49), (_names.Turns.Taken, _names.Turns.Waiting));
        Assert.DoesNotContain(silent, one => one.IsCompleted);
        Assert.Equal(["known.example", "silent0.example"], _asked.Select(one => one.Name).Order());
        Assert.All(_asked, one => Assert.False(one.IsOfPool));
    }

    [Fact]
    public async Task Of_all_accounts_four_are_looked_up_at_once()
    {
        var silent = Enumerable.Range(0, 9).Select(number => _names.FindAsync($"mallory{number}", $"silent{number}.example", Cancellation)).ToArray();
        Assert.Equal((4, 5), (_names.Turns.Taken, _names.Turns.Waiting));

        _answered.Set();
        Assert.All(await Task.WhenAll(silent), Assert.Empty);
        Assert.Equal(9, _asked.Count);
    }

    [Fact]
    public async Task Who_gives_up_waits_no_more_and_what_waits_for_him_is_not_looked_up()
    {
        using CancellationTokenSource end = new();
        Task<IPAddress[]>[] silent = [_names.FindAsync("mallory", "silent.example", end.Token), _names.FindAsync("mallory", "silent2.example", end.Token)];

        await end.CancelAsync();
        foreach (var one in silent)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        }

        // The thread is still there, and counted.
        Assert.Equal((1, 0), (_names.Turns.Taken, _names.Turns.Waiting));
        _answered.Set();
        Assert.Equal([IPAddress.Loopback], await _names.FindAsync("mallory", "known.example", Cancellation));
        Assert.Equal(["silent.example", "known.example"], _asked.Select(one => one.Name));
    }

    [Fact]
    public async Task A_name_is_remembered_for_a_minute_whether_it_was_found_or_not()
    {
        foreach (var name in new[] { "nobody.example", "known.example" })
        {
            _asked.Clear();
            var found = await _names.FindAsync("ana", name, Cancellation);
            Assert.Equal(found, await _names.FindAsync("bea", name.ToUpperInvariant(), Cancellation));
            Assert.Single(_asked);

            _time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(found, await _names.FindAsync("bea", name, Cancellation));
            Assert.Equal(2, _asked.Count);
        }
    }

    [Fact]
    public async Task So_many_names_are_remembered_and_none_that_leads_to_very_many_addresses()
    {
        foreach (var number in Enumerable.Range(0, NameLookups.MostRemembered + 1))
        {
            await _names.FindAsync("ana", $"known{number}.example", Cancellation);
        }

        _asked.Clear();
        await _names.FindAsync("ana", "known1.example", Cancellation);
        Assert.Empty(_asked);
        await _names.FindAsync("ana", "known0.example", Cancellation);
        Assert.Single(_asked);

        _asked.Clear();
        Assert.Equal(33, (await _names.FindAsync("ana", "33.example", Cancellation)).Length);
        await _names.FindAsync("ana", "33.example", Cancellation);
        Assert.Equal(2, _asked.Count);
    }

    private IPAddress[] Look(string name)
    {
        _asked.Enqueue((name, Thread.CurrentThread.IsThreadPoolThread));
        _begun.Release();
        if (name.StartsWith("silent", StringComparison.Ordinal))
        {
            _answered.Wait(CancellationToken.None);
        }

        return name.StartsWith("known", StringComparison.OrdinalIgnoreCase) ? [IPAddress.Loopback]
            : int.TryParse(name.Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var many) ? [.. Enumerable.Repeat(IPAddress.Loopback, many)]
            : throw new SocketException((int)SocketError.HostNotFound);
    }
}
