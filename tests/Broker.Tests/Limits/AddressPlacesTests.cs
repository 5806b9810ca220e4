using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Tests.Limits;

/// <summary>What is remembered of addresses.</summary>
public sealed class AddressPlacesTests
{
    private const int Remembered = 100_000;

    [Fact]
    public void Fault_S1_A_hundred_thousand_addresses_are_remembered_and_the_next_comes_in_when_one_of_them_is_forgotten()
    {
        FakeTimeProvider time = new();
        AddressPlaces places = new(perAddress: 10, perSecond: 10, burst: 10, time);
        for (uint i = 0; i < Remembered; i++)
        {
            Assert.True(places.TryEnter(Address(i)));
        }

        Assert.False(places.TryEnter(Address(Remembered)));
        Assert.True(places.TryEnter(Address(0)));

        places.Leave(Address(1));
        time.Advance(TimeSpan.FromSeconds(1));
        places.Sweep();
        Assert.True(places.TryEnter(Address(Remembered)));
        Assert.False(places.TryEnter(Address(Remembered + 1)));
    }

    private static IPAddress Address(uint number) => IPAddress.Parse($"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}");
}
