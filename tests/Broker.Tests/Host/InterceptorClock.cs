using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Interception;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>
/// The interceptor's clock. It reads it last when it asks whether a login session is alive,
/// so a test can put something exactly between that answer and what is done with it.
/// </summary>
internal sealed class InterceptorClock : TimeProvider
{
    private Func<Task>? _then;

    /// <summary>For <see cref="RunningBroker.StartAsync(Action{IServiceCollection}?, string[])"/>.</summary>
    public void Into(IServiceCollection services) => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<AuthInterceptor>(provider, this));

    /// <summary>Does this, once, to its end, while the interceptor reads the clock the next time.</summary>
    public void AtNextLook(Func<Task> then) => _then = then;

    public override DateTimeOffset GetUtcNow()
    {
        Interlocked.Exchange(ref _then, null)?.Invoke().GetAwaiter().GetResult();
        return base.GetUtcNow();
    }
}
