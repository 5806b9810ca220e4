using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace WebMessenger.Auth.Changes;

/// <summary>Something others must act on before it counts as done: whoever raises it waits for every subscriber.</summary>
public sealed partial class AsyncEvent<T>(string name, ILogger logger)
{
    private ImmutableArray<Func<T, Task>> _subscribers = [];

    public void Subscribe(Func<T, Task> subscriber) => ImmutableInterlocked.Update(ref _subscribers, (all, one) => all.Add(one), subscriber);

    internal async Task RaiseAsync(T value)
    {
        foreach (var subscriber in _subscribers)
        {
            try
            {
                await subscriber(value);
            }
            catch (Exception error)
            {
                // What happened has happened (an account is erased, a login session revoked):
                // a failing subscriber must not stop the others from hearing it.
                SubscriberFailed(logger, name, error);
            }
        }
    }

    [LoggerMessage(2001, LogLevel.Error, "A subscriber of {Event} failed")]
    private static partial void SubscriberFailed(ILogger logger, string @event, Exception error);
}
