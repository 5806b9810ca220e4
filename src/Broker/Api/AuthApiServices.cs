namespace WebMessenger.Broker.Api;

/// <summary>What the calls about accounts, login sessions and tokens need beside Auth itself.</summary>
internal static class AuthApiServices
{
    public static IServiceCollection AddAuthApi(this IServiceCollection services, IEnumerable<string> allowedOrigins) => services
        .AddSingleton<CookieSignIn>()
        .AddSingleton<RequestSignIn>()
        .AddSingleton<BrowserSignIn>()
        .AddSingleton(new SameOriginRule(allowedOrigins))
        .Configure<ProblemDetailsOptions>(options => options.CustomizeProblemDetails = Problems.Complete)
        .ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, AuthJson.Default));
}
